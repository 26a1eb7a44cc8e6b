// SPDX-License-Identifier: Apache-2.0

/// Searches that look at eight bytes at a time.
///
/// Each word is tested for all bytes at once with the usual borrow trick: `(word - low) & ~word` sets the top bit of
/// every byte below a threshold. A borrow can set a bit too many only above a true one, and the lowest is taken.
extension Span where Element == UInt8 {
    /// Index of the first byte that is a quote or backslash, which may end or continue a string; `end` if none is.
    func pastText(from start: Int, before end: Int) -> Int {
        var index = start
        while index + 8 <= end {
            let marks = Self.ends(of: word(at: index)) & Self.topBits
            if marks != 0 { return index + marks.trailingZeroBitCount >> 3 }
            index += 8
        }
        while index < end, self[index] != .quote, self[index] != .backslash { index += 1 }
        return index
    }

    /// Index of the first byte that a string must escape: a quote, backslash or control character.
    func pastUnescapedText(from start: Int, before end: Int) -> Int {
        var index = start
        while index + 8 <= end {
            let word = word(at: index)
            let marks = (Self.ends(of: word) | Self.controls(of: word)) & Self.topBits
            if marks != 0 { return index + marks.trailingZeroBitCount >> 3 }
            index += 8
        }
        while index < end, !self[index].mustBeEscaped { index += 1 }
        return index
    }

    /// Index of the first byte that needs a closer look inside a string: one to be escaped, or beyond ASCII.
    func pastPlainText(from start: Int, before end: Int) -> Int {
        var index = start
        while index + 8 <= end {
            let word = word(at: index)
            let marks = (Self.ends(of: word) | Self.controls(of: word) | word) & Self.topBits
            if marks != 0 { return index + marks.trailingZeroBitCount >> 3 }
            index += 8
        }
        while index < end, self[index] < 0x80, !self[index].mustBeEscaped { index += 1 }
        return index
    }

    private static var lowBits: UInt64 { 0x0101_0101_0101_0101 }
    private static var topBits: UInt64 { 0x8080_8080_8080_8080 }

    /// The first byte is the lowest, on any machine.
    @inline(__always)
    func word(at index: Int) -> UInt64 {
        // The load checks its bounds, and any eight bytes are an integer.
        UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
    }

    /// Marks quotes and backslashes.
    private static func ends(of word: UInt64) -> UInt64 {
        let quotes = word ^ (lowBits &* UInt64(UInt8.quote))
        let backslashes = word ^ (lowBits &* UInt64(UInt8.backslash))
        return ((quotes &- lowBits) & ~quotes) | ((backslashes &- lowBits) & ~backslashes)
    }

    /// Marks bytes below 0x20.
    private static func controls(of word: UInt64) -> UInt64 {
        (word &- lowBits &* 0x20) & ~word
    }
}
