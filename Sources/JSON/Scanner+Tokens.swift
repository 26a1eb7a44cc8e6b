// SPDX-License-Identifier: Apache-2.0

extension Scanner {
    /// Moves past a string, from its opening to after its closing quote, and returns whether it has escapes.
    mutating func scanString(_ bytes: Span<UInt8>) throws(Fault) -> Bool {
        var hasEscapes = false
        var index = position + 1
        while true {
            index = bytes.pastPlainText(from: index, before: end)
            guard index < end else { throw Fault(offset: end, reason: .unexpectedEnd) }
            let byte = bytes[index]
            if byte == .quote {
                position = index + 1
                return hasEscapes
            } else if byte == .backslash {
                hasEscapes = true
                index = try pastEscape(bytes, at: index)
            } else if byte < 0x20 {
                throw Fault(offset: index, reason: .controlCharacterInString(byte))
            }
            // Scalars beyond ASCII come in runs, for which looking at single bytes is quicker.
            while index < end, bytes[index] >= 0x80 { index = try pastScalar(bytes, at: index) }
        }
    }

    /// Moves past a number (RFC 8259 §6), of any length: its text is kept, so its value need not fit anything.
    mutating func scanNumber(_ bytes: Span<UInt8>) throws(Fault) {
        var index = position
        if bytes[index] == .minus { index += 1 }
        if index < end, bytes[index] == .zero {
            index += 1
            if index < end, bytes[index].isDigit { throw Fault(offset: index, reason: .invalidNumber) }
        } else {
            index = try pastDigits(bytes, at: index)
        }
        if index < end, bytes[index] == .dot {
            index = try pastDigits(bytes, at: index + 1)
        }
        if index < end, bytes[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            if index < end, bytes[index] == .plus || bytes[index] == .minus { index += 1 }
            index = try pastDigits(bytes, at: index)
        }
        position = index
    }

    /// At least one digit is required.
    private func pastDigits(_ bytes: Span<UInt8>, at start: Int) throws(Fault) -> Int {
        guard start < end else { throw Fault(offset: end, reason: .unexpectedEnd) }
        guard bytes[start].isDigit else { throw Fault(offset: start, reason: .invalidNumber) }
        var index = start + 1
        while index < end, bytes[index].isDigit { index += 1 }
        return index
    }

    /// Checks the escape whose backslash is at `start`; a surrogate pair is one escape of two parts.
    private func pastEscape(_ bytes: Span<UInt8>, at start: Int) throws(Fault) -> Int {
        guard start + 1 < end else { throw Fault(offset: end, reason: .unexpectedEnd) }
        switch bytes[start + 1] {
        case .quote, .backslash, UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            return start + 2
        case UInt8(ascii: "u"):
            let unit = try hexUnit(bytes, escapeAt: start)
            if !UTF16.isSurrogate(unit) { return start + 6 }
            guard UTF16.isLeadSurrogate(unit) else { throw Fault(offset: start, reason: .loneSurrogate) }
            return try pastTrailSurrogate(bytes, leadAt: start)
        default:
            throw Fault(offset: start, reason: .invalidEscape)
        }
    }

    private func pastTrailSurrogate(_ bytes: Span<UInt8>, leadAt lead: Int) throws(Fault) -> Int {
        let start = lead + 6
        guard start < end else { throw Fault(offset: end, reason: .unexpectedEnd) }
        guard bytes[start] == .backslash else { throw Fault(offset: lead, reason: .loneSurrogate) }
        guard start + 1 < end else { throw Fault(offset: end, reason: .unexpectedEnd) }
        guard bytes[start + 1] == UInt8(ascii: "u") else { throw Fault(offset: lead, reason: .loneSurrogate) }
        guard UTF16.isTrailSurrogate(try hexUnit(bytes, escapeAt: start)) else {
            throw Fault(offset: lead, reason: .loneSurrogate)
        }
        return start + 6
    }

    private func hexUnit(_ bytes: Span<UInt8>, escapeAt start: Int) throws(Fault) -> UInt16 {
        var unit: UInt16 = 0
        for index in start + 2..<start + 6 {
            guard index < end else { throw Fault(offset: end, reason: .unexpectedEnd) }
            guard let digit = bytes[index].hexValue else { throw Fault(offset: start, reason: .invalidEscape) }
            unit = unit << 4 | digit
        }
        return unit
    }

    /// Checks the two to four bytes of a scalar beyond ASCII against the table of RFC 3629 §4.
    private func pastScalar(_ bytes: Span<UInt8>, at start: Int) throws(Fault) -> Int {
        let second: ClosedRange<UInt8>
        let length: Int
        switch bytes[start] {
        case 0xC2...0xDF: (second, length) = (0x80...0xBF, 2)
        case 0xE0: (second, length) = (0xA0...0xBF, 3)
        case 0xED: (second, length) = (0x80...0x9F, 3)
        case 0xE1...0xEF: (second, length) = (0x80...0xBF, 3)
        case 0xF0: (second, length) = (0x90...0xBF, 4)
        case 0xF1...0xF3: (second, length) = (0x80...0xBF, 4)
        case 0xF4: (second, length) = (0x80...0x8F, 4)
        default: throw Fault(offset: start, reason: .invalidUTF8)
        }
        guard start + length <= end, second.contains(bytes[start + 1]) else {
            throw Fault(offset: start, reason: .invalidUTF8)
        }
        for index in start + 2..<start + length where bytes[index] & 0xC0 != 0x80 {
            throw Fault(offset: start, reason: .invalidUTF8)
        }
        return start + length
    }
}
