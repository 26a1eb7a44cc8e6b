// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A JSON-RPC error, and what providers mean by it.
///
/// Codes decide little: -32005 is a result too large as well as a rate limit, -32602 a range too wide as well as one
/// beyond the head. So the words are read.
package struct Refusal: Error, Sendable, Equatable {
    package enum Meaning: Sendable, Equatable {
        /// The range has too many blocks or results.
        case tooLarge(Hint?)
        case tooFast
        /// The node lacks something that it will have, or another one has.
        case notYet
        /// The history that is asked for is gone.
        case pruned
        /// The node does not serve us: the key, the plan, a method that is not in it.
        case refused
        /// Something else: a mistake of ours, or a node that cannot do it.
        case never
    }

    /// What a node says would work.
    package enum Hint: Sendable, Equatable {
        case range(ClosedRange<Int>)
        /// Blocks of one range at most.
        case blocks(Int)
    }

    package let code: Int
    package let message: String
    private let data: String

    package init(code: Int, message: String, data: String = "") {
        self.code = code
        self.message = String(message.prefix(500))
        self.data = String(data.prefix(500))
    }

    /// Reads the `error` member of an answer.
    package init(_ value: JSON.Value) {
        self.init(
            code: value["code"]?.integer ?? 0,
            message: value["message"]?.string ?? String(decoding: value.text.prefix(200), as: UTF8.self),
            data: value["data"].map { String(decoding: $0.text, as: UTF8.self) } ?? ""
        )
    }

    package var meaning: Meaning {
        let words = self.message.lowercased()
        func says(_ phrases: [String]) -> Bool { phrases.contains { words.contains($0) } }
        let lacksHistory = words.contains("histor") && says(["not available", "unavailable"])
        if self.code == 4444 || lacksHistory || says(Self.ofHistory) { return .pruned }
        if self.code == 429 || says(Self.ofRates) { return .tooFast }
        if says(Self.ofTheHead) { return .notYet }
        // Before what is said of plans: the size that a plan allows is a size.
        if self.code == -32_614 || self.code == 413 || says(Self.ofRanges) { return .tooLarge(self.hint) }
        if [401, 402, 403].contains(self.code) || says(Self.ofAccess) { return .refused }
        if says(Self.ofMethods) { return .never }
        if says(Self.ofSize) { return .tooLarge(self.hint) }
        switch self.code {
        case -32_601, -32_602, -32_600, -32_700: return .never
        // Without a word that is known: a limit, an account, an error of the server, which may pass.
        case -32_005: return .tooFast
        case -32_001, -32_002: return .refused
        default: return .notYet
        }
    }

    private static let ofHistory = ["pruned", "missing trie node", "archive", "lowest height", "ancient block"]
    private static let ofRates = [
        "rate limit", "rate-limit", "ratelimit", "over rate", "request rate", "too many requests", "per second",
        "throughput", "throttl", "capacity", "quota", "daily", "monthly", "compute unit", "credits", "request limit",
        "requests limit", "request count", "usage limit", "usage exceeded",
    ]
    private static let ofTheHead = [
        "beyond current head", "after last accepted", "unknown block", "header not found", "block not found",
        "invalid block range params", "not yet available", "in the future",
    ]
    private static let ofRanges = [
        "block range", "blocks range", "range should work", "ranges over", "range is too", "range too",
        "too many blocks",
        "query returned", "response size", "max results",
    ]
    private static let ofAccess = [
        "unauthori", "not authori", "authenticat", "forbidden", "access denied", "permission", "api key", "api-key",
        "apikey", "access key", "project id", "invalid key", "invalid token", "expired", "suspended", "inactive",
        "payment", "billing", "upgrade", "subscription plan", "your plan", "current plan", "free tier", "freetier",
        "free plan",
    ]
    private static let ofMethods = [
        "method not found", "does not exist", "not supported", "unsupported", "whitelist", "allowlist", "not allowed",
        "disabled",
    ]
    private static let ofSize = [
        "more than", "too large", "too many", "too wide", "limited to", "limit exceeded", "exceed", "timeout",
        "timed out",
    ]

    /// `[0x1, 0x2]` or `from`/`to` anywhere is a range; a number before or after "block" is how many.
    private var hint: Hint? {
        let text = self.message + " " + self.data
        let quantities = Self.quantities(in: text)
        if quantities.count >= 2 {
            let (from, to) = (quantities[quantities.count - 2], quantities[quantities.count - 1])
            return from <= to ? .range(from...to) : nil
        }
        let words = self.message.lowercased().split { !$0.isLetter && !$0.isNumber && $0 != "," }
        for (index, word) in words.enumerated() where word.hasPrefix("block") || word == "range" {
            let around = words[max(0, index - 2)...min(words.count - 1, index + 3)]
            for candidate in around {
                if let number = Int(candidate.filter { $0 != "," }), number > 0 { return .blocks(number) }
            }
        }
        return nil
    }

    private static func quantities(in text: String) -> [Int] {
        text.split { !$0.isLetter && !$0.isNumber }.filter { $0.hasPrefix("0x") }.compactMap { Hex.integer(String($0)) }
    }
}
