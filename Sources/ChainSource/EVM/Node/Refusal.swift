// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A JSON-RPC error, and what providers mean by it.
///
/// Error codes are ambiguous: -32005 is used for a result that is too large and for a rate limit, -32602 for a range
/// that is too wide and for one beyond the head. The message decides.
package struct Refusal: Error, Sendable, Equatable {
    package enum Meaning: Sendable, Equatable {
        /// The range has too many blocks or results.
        case tooLarge(Hint?)
        case tooFast
        /// The data is not available yet, or only on another node.
        case notYet
        /// The requested history has been pruned.
        case pruned
        /// Access is denied: the key, the plan, or a method that the plan does not include.
        case refused
        /// Anything else: an invalid call, or a method that the node does not implement.
        case never
    }

    /// A request size that the node suggests.
    package enum Hint: Sendable, Equatable {
        case range(ClosedRange<Int>)
        /// Maximum number of blocks in one range.
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

    /// Parses the `error` member of an answer.
    package init(_ value: JSON.Value) {
        self.init(
            code: value["code"]?.integer(in: -Int.maxSafe...Int.maxSafe) ?? 0,
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
        // Checked before the phrases about plans: a size limit of a plan is a size limit.
        if self.code == -32_614 || self.code == 413 || says(Self.ofRanges) { return .tooLarge(self.hint) }
        if [401, 402, 403].contains(self.code) || says(Self.ofAccess) { return .refused }
        if says(Self.ofMethods) { return .never }
        if says(Self.ofSize) { return .tooLarge(self.hint) }
        switch self.code {
        case -32_601, -32_602, -32_600, -32_700: return .never
        // No known phrase: the code decides. A server error is taken as temporary.
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

    /// `[0x1, 0x2]` or `from`/`to` anywhere is a range; a number before or after "block" is a count.
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
                if let number = Int(decimal: candidate.utf8.filter { $0 != UInt8(ascii: ",") }, in: 1...Int.maxSafe) {
                    return .blocks(number)
                }
            }
        }
        return nil
    }

    private static func quantities(in text: String) -> [Int] {
        text.split { !$0.isLetter && !$0.isNumber }.filter { $0.hasPrefix("0x") }.compactMap {
            Hex.integer(String($0), in: .seq)
        }
    }
}
