// SPDX-License-Identifier: Apache-2.0

/// A glob pattern for bus channels with the syntax of Redis: `*`, `?`, `[a-z]`, `[^a]`, and `\` as escape.
package struct ChannelPattern: Sendable, Equatable {
    package let bytes: [UInt8]

    package init(_ text: String) {
        self.bytes = Array(text.utf8)
    }

    /// Whether the pattern matches a channel.
    ///
    /// Must agree with Redis, otherwise a message with several matches is delivered twice or not at all. Only the last
    /// `*` is retried, so no pattern takes exponential time.
    package func matches(_ channel: [UInt8]) -> Bool {
        var (rest, left) = (self.bytes[...], channel[...])
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

    /// The pattern after its first item, if that item matches the byte; otherwise nil.
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

    /// As in Redis: an unclosed class ends with the pattern, and the bounds of a range may be swapped.
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
