// SPDX-License-Identifier: Apache-2.0

/// Keeps one of the copies that Redis delivers when several patterns match a channel: that of the first pattern.
struct PatternFilter: Sendable {
    private let patterns: [[UInt8]]

    init(_ patterns: [String]) {
        self.patterns = patterns.map { Array($0.utf8) }
    }

    /// Whether no earlier pattern than `pattern` matches the channel.
    func isFirst(_ pattern: [UInt8]?, for channel: [UInt8]) -> Bool {
        for candidate in self.patterns {
            if candidate == pattern { return true }
            if Self.matches(candidate[...], channel[...]) { return false }
        }
        // None of ours: Redis was right about a subscription that we do not know.
        return true
    }

    /// Whether Redis takes a pattern to match: `*`, `?`, `[a-z]`, `[^a]`, `\` before any of these.
    ///
    /// Must agree with Redis, or a message with several matches is delivered twice or never; a star is retried only at
    /// its last occurrence, so that no pattern takes exponential time.
    static func matches(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        var (rest, left) = (pattern, text)
        var star: (pattern: ArraySlice<UInt8>, text: ArraySlice<UInt8>)?
        while true {
            if rest.first == UInt8(ascii: "*") {
                rest = rest.dropFirst()
                star = (rest, left)
                continue
            }
            if let byte = left.first, let after = Self.step(rest, byte) {
                (rest, left) = (after, left.dropFirst())
                continue
            }
            if left.isEmpty, rest.isEmpty { return true }
            guard let last = star, !last.text.isEmpty else { return false }
            star = (last.pattern, last.text.dropFirst())
            (rest, left) = (last.pattern, last.text.dropFirst())
        }
    }

    /// The pattern after the item that stands for one byte; nil when the item is not for this byte.
    private static func step(_ pattern: ArraySlice<UInt8>, _ byte: UInt8) -> ArraySlice<UInt8>? {
        guard let first = pattern.first else { return nil }
        let rest = pattern.dropFirst()
        switch first {
        case UInt8(ascii: "?"):
            return rest
        case UInt8(ascii: "["):
            return Self.stepClass(rest, byte)
        case UInt8(ascii: "\\") where !rest.isEmpty:
            return rest.first == byte ? rest.dropFirst() : nil
        default:
            return first == byte ? rest : nil
        }
    }

    /// As Redis does it: a class that is not closed ends with the pattern, and the ends of a range may be swapped.
    private static func stepClass(_ pattern: ArraySlice<UInt8>, _ byte: UInt8) -> ArraySlice<UInt8>? {
        var rest = pattern
        let isNegated = rest.first == UInt8(ascii: "^")
        if isNegated { rest = rest.dropFirst() }
        var isIn = false
        while let first = rest.popFirst(), first != UInt8(ascii: "]") {
            if first == UInt8(ascii: "\\"), let escaped = rest.popFirst() {
                isIn = isIn || escaped == byte
            } else if rest.count >= 2, rest.first == UInt8(ascii: "-") {
                let end = rest[rest.startIndex + 1]
                rest = rest.dropFirst(2)
                isIn = isIn || (min(first, end)...max(first, end)).contains(byte)
            } else {
                isIn = isIn || first == byte
            }
        }
        return isIn != isNegated ? rest : nil
    }
}
