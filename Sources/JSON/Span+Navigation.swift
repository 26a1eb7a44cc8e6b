// SPDX-License-Identifier: Apache-2.0

/// Ways through text that a scan has found valid. Nothing is checked twice; `end` bounds every step all the same.
extension Span where Element == UInt8 {
    /// Index of the first byte from `start` that is not whitespace.
    func pastWhitespace(from start: Int, before end: Int) -> Int {
        var index = start
        while index < end, self[index].isWhitespace { index += 1 }
        return index
    }

    /// Index after the comma or colon that follows a value or name ending at `start`, and whitespace around it.
    func pastSeparator(from start: Int, before end: Int) -> Int {
        pastWhitespace(from: pastWhitespace(from: start, before: end) + 1, before: end)
    }

    /// Index after the string whose opening quote is at `start`, and whether the string has escapes.
    func pastString(from start: Int, before end: Int) -> (index: Int, hasEscapes: Bool) {
        var index = start + 1
        var hasEscapes = false
        while true {
            index = pastText(from: index, before: end)
            guard index < end else { return (end, hasEscapes) }
            if self[index] == .quote { return (index + 1, hasEscapes) }
            hasEscapes = true
            index += 2
        }
    }

    /// Index after the value that begins at `start`.
    func pastValue(from start: Int, before end: Int) -> Int {
        switch self[start] {
        case .quote: pastString(from: start, before: end).index
        case .openBrace, .openBracket: pastContainer(from: start, before: end)
        default: pastScalar(from: start, before: end)
        }
    }

    private func pastContainer(from start: Int, before end: Int) -> Int {
        var depth = 1
        var index = start + 1
        while depth > 0, index < end {
            switch self[index] {
            case .quote:
                index = pastString(from: index, before: end).index
                continue
            case .openBrace, .openBracket: depth += 1
            case .closeBrace, .closeBracket: depth -= 1
            default: break
            }
            index += 1
        }
        return index
    }

    private func pastScalar(from start: Int, before end: Int) -> Int {
        var index = start
        while index < end {
            let byte = self[index]
            if byte == .comma || byte == .closeBrace || byte == .closeBracket || byte.isWhitespace { break }
            index += 1
        }
        return index
    }

    /// Where the value of a member is, if a value that begins at `start` is an object and has it.
    func member(_ name: String, from start: Int, before end: Int) -> Range<Int>? {
        guard self[start] == .openBrace else { return nil }
        let last = end - 1
        var position = pastWhitespace(from: start + 1, before: last)
        while position < last {
            let found = pastString(from: position, before: last)
            let content = position + 1..<found.index - 1
            let value = pastSeparator(from: found.index, before: last)
            let valueEnd = pastValue(from: value, before: last)
            if string(content, hasEscapes: found.hasEscapes, equals: name) { return value..<valueEnd }
            position = pastSeparator(from: valueEnd, before: last)
        }
        return nil
    }

    /// Index of the first whitespace outside strings, nil if there is none.
    func firstWhitespace(from start: Int, before end: Int) -> Int? {
        var index = start
        while index < end {
            let byte = self[index]
            if byte == .quote {
                index = pastString(from: index, before: end).index
            } else if byte.isWhitespace {
                return index
            } else {
                index += 1
            }
        }
        return nil
    }

    /// Whether the inside of a string, between its quotes, is exactly `text` when unescaped.
    func string(_ content: Range<Int>, hasEscapes: Bool, equals text: String) -> Bool {
        if hasEscapes {
            // An escape is never shorter than its character.
            guard content.count >= text.utf8.count else { return false }
            var unescaped: [UInt8] = []
            unescape(content, into: &unescaped)
            return unescaped.elementsEqual(text.utf8)
        }
        guard content.count == text.utf8.count else { return false }
        var index = content.lowerBound
        for byte in text.utf8 {
            if self[index] != byte { return false }
            index += 1
        }
        return true
    }

    /// Appends the inside of a string, between its quotes, unescaped.
    func unescape(_ content: Range<Int>, into result: inout [UInt8]) {
        result.reserveCapacity(result.count + content.count)
        var index = content.lowerBound
        while index < content.upperBound {
            let byte = self[index]
            guard byte == .backslash, index + 1 < content.upperBound else {
                result.append(byte)
                index += 1
                continue
            }
            let letter = self[index + 1]
            if letter == UInt8(ascii: "u") {
                index = unescapeUnit(at: index, before: content.upperBound, into: &result)
            } else {
                result.append(Self.meaning(ofEscape: letter))
                index += 2
            }
        }
    }

    private static func meaning(ofEscape letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: letter
        }
    }

    /// Appends the scalar of a `\u` escape, or of two that make a pair, and returns the index after it.
    private func unescapeUnit(at start: Int, before end: Int, into result: inout [UInt8]) -> Int {
        var value = UInt32(truncatingIfNeeded: hexUnit(at: start + 2, before: end))
        var next = start + 6
        if UTF16.isLeadSurrogate(UInt16(truncatingIfNeeded: value)) {
            let trail = UInt32(truncatingIfNeeded: hexUnit(at: start + 8, before: end))
            value = 0x1_0000 &+ ((value &- 0xD800) << 10) &+ (trail &- 0xDC00)
            next = start + 12
        }
        result.append(contentsOf: String(Unicode.Scalar(value) ?? "\u{FFFD}").utf8)
        return next
    }

    private func hexUnit(at start: Int, before end: Int) -> UInt16 {
        var unit: UInt16 = 0
        for index in start..<Swift.min(start + 4, end) {
            unit = unit << 4 | (self[index].hexValue ?? 0)
        }
        return unit
    }
}
