// SPDX-License-Identifier: Apache-2.0

/// Checks one JSON text against RFC 8259 and the unique names of RFC 7493, from left to right in one pass.
///
/// Keeps nothing but what is open: nesting costs a stack entry on the heap, never a call, so no limit can exhaust
/// the thread's stack. The bytes are an argument of every method because a span cannot be stored.
struct Scanner {
    /// An array or object whose end has not been seen.
    private enum Container {
        case array
        /// The names seen so far begin at this index of `names`.
        case object(firstName: Int)
    }

    /// Index of the next byte to look at.
    var position: Int
    /// Index after the last byte that may be looked at.
    let end: Int
    /// Whether there was whitespace between the tokens of the value.
    private(set) var hasWhitespace = false

    private let maxDepth: Int
    private var open: [Container] = []
    private var names = MemberNames()

    init(range: Range<Int>, maxDepth: Int) {
        position = range.lowerBound
        end = range.upperBound
        self.maxDepth = maxDepth
    }

    /// Moves past whitespace before and after the value, which is not part of it.
    mutating func skipSurroundingWhitespace(_ bytes: Span<UInt8>) {
        position = bytes.pastWhitespace(from: position, before: end)
    }

    /// Moves past one whole value, which must begin at the position.
    mutating func scanValue(_ bytes: Span<UInt8>) throws(Fault) {
        var expected = Fault.Expectation.value
        while true {
            let isComplete = try scanStart(bytes, expected)
            if isComplete, try !scanFollowing(bytes) { return }
            if !isComplete, case .array? = open.last {
                expected = .valueOrEndOfArray
            } else {
                expected = .value
            }
        }
    }

    /// Moves past a scalar or an empty container and returns true, or into a container, up to its first value.
    private mutating func scanStart(_ bytes: Span<UInt8>, _ expected: Fault.Expectation) throws(Fault) -> Bool {
        let byte = try peek(bytes)
        switch byte {
        case .quote:
            _ = try scanString(bytes)
        case .minus, .zero ... .nine:
            try scanNumber(bytes)
        case .openBrace:
            try enter(.object(firstName: names.count))
            skipWhitespace(bytes)
            guard try peek(bytes) == .closeBrace else {
                try scanName(bytes, firstName: names.count, expected: .memberNameOrEndOfObject)
                return false
            }
            leave()
        case .openBracket:
            try enter(.array)
            skipWhitespace(bytes)
            guard try peek(bytes) == .closeBracket else { return false }
            leave()
        case UInt8(ascii: "t"):
            try scanLiteral(bytes, .true)
        case UInt8(ascii: "f"):
            try scanLiteral(bytes, .false)
        case UInt8(ascii: "n"):
            try scanLiteral(bytes, .null)
        default:
            throw Fault(offset: position, reason: .unexpectedByte(byte, expected: expected))
        }
        return true
    }

    /// Moves past what follows a complete value; false when the outermost value is complete, else a value is due.
    private mutating func scanFollowing(_ bytes: Span<UInt8>) throws(Fault) -> Bool {
        while let container = open.last {
            skipWhitespace(bytes)
            let byte = try peek(bytes)
            switch (container, byte) {
            case (.array, .comma):
                position += 1
                skipWhitespace(bytes)
                return true
            case (.object(let firstName), .comma):
                position += 1
                skipWhitespace(bytes)
                try scanName(bytes, firstName: firstName, expected: .memberName)
                return true
            case (.array, .closeBracket):
                leave()
            case (.object(let firstName), .closeBrace):
                try closeNames(bytes, firstName: firstName)
                leave()
            case (.array, _):
                throw Fault(offset: position, reason: .unexpectedByte(byte, expected: .commaOrEndOfArray))
            case (.object, _):
                throw Fault(offset: position, reason: .unexpectedByte(byte, expected: .commaOrEndOfObject))
            }
        }
        return false
    }

    /// Moves past a name, its colon and the whitespace up to the value.
    private mutating func scanName(
        _ bytes: Span<UInt8>,
        firstName: Int,
        expected: Fault.Expectation
    ) throws(Fault) {
        let start = position
        let byte = try peek(bytes)
        guard byte == .quote else {
            throw Fault(offset: start, reason: .unexpectedByte(byte, expected: expected))
        }
        let hasEscapes = try scanString(bytes)
        let content = start + 1..<position - 1
        if let duplicate = names.add(content, of: bytes, hasEscapes: hasEscapes, firstName: firstName) {
            throw Fault(offset: duplicate.offset, reason: .duplicateMember(names.text(of: duplicate, in: bytes)))
        }
        skipWhitespace(bytes)
        let next = try peek(bytes)
        guard next == .colon else {
            throw Fault(offset: position, reason: .unexpectedByte(next, expected: .colon))
        }
        position += 1
        skipWhitespace(bytes)
    }

    private mutating func closeNames(_ bytes: Span<UInt8>, firstName: Int) throws(Fault) {
        if let duplicate = names.close(firstName: firstName, in: bytes) {
            throw Fault(offset: duplicate.offset, reason: .duplicateMember(names.text(of: duplicate, in: bytes)))
        }
    }

    private mutating func scanLiteral(_ bytes: Span<UInt8>, _ literal: Fault.Literal) throws(Fault) {
        for letter in literal.rawValue.utf8 {
            let byte = try peek(bytes)
            guard byte == letter else {
                throw Fault(offset: position, reason: .unexpectedByte(byte, expected: .literal(literal)))
            }
            position += 1
        }
    }

    private mutating func enter(_ container: Container) throws(Fault) {
        guard open.count < maxDepth else {
            throw Fault(offset: position, reason: .depthExceeded(limit: maxDepth))
        }
        open.append(container)
        position += 1
    }

    private mutating func leave() {
        open.removeLast()
        position += 1
    }

    private mutating func skipWhitespace(_ bytes: Span<UInt8>) {
        guard position < end, bytes[position].isWhitespace else { return }
        hasWhitespace = true
        position = bytes.pastWhitespace(from: position + 1, before: end)
    }

    private func peek(_ bytes: Span<UInt8>) throws(Fault) -> UInt8 {
        guard position < end else { throw Fault(offset: end, reason: .unexpectedEnd) }
        return bytes[position]
    }
}
