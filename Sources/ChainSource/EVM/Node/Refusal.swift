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
            code: value["code"]?.integer(in: -Int.maxSafe...Int.maxSafe) ?? 0,
            message: value["message"]?.string ?? String(decoding: value.text.prefix(200), as: UTF8.self),
            data: value["data"].map { String(decoding: $0.text, as: UTF8.self) } ?? ""
        )
    }

    package var meaning: Meaning {
        let words = self.message.lowercased()
        func says(_ phrases: String...) -> Bool { phrases.contains { words.contains($0) } }
        if self.code == 4444 || says("pruned", "history is not available", "missing trie node") { return .pruned }
        if self.code == 429
            || says("rate limit", "rate-limit", "too many requests", "per second", "throughput", "capacity exceeded")
        {
            return .tooFast
        }
        if says("beyond current head", "after last accepted", "unknown block", "header not found", "block not found")
            || says("invalid block range params", "not yet available", "in the future", "try again", "internal error")
        {
            return .notYet
        }
        if says("more than", "block range", "range is too", "too large", "too many", "too wide", "response size")
            || says("limited to", "limit exceeded", "exceed", "timeout", "timed out", "query returned", "max results")
            || self.code == -32_614 || self.code == 413
        {
            return .tooLarge(self.hint)
        }
        switch self.code {
        case -32_601, -32_602, -32_600, -32_700: return .never
        // Limits without a word that is known, and errors of the server: it may be another time.
        case -32_005: return .tooFast
        default: return .notYet
        }
    }

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
