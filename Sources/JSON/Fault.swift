// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a text that should be JSON, and where.
package struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
    /// What the grammar allowed at the position of a fault.
    package enum Expectation: Equatable, Sendable {
        /// Any value.
        case value
        /// A value, or the end of an array that has no elements yet.
        case valueOrEndOfArray
        /// A member name, after a comma.
        case memberName
        /// A member name, or the end of an object that has no members yet.
        case memberNameOrEndOfObject
        /// The colon between a name and its value.
        case colon
        /// What may follow an array element.
        case commaOrEndOfArray
        /// What may follow an object member.
        case commaOrEndOfObject
        /// The rest of `true`, `false` or `null`.
        case literal(Literal)
    }

    /// The three names that are values (RFC 8259 §3).
    package enum Literal: String, Sendable {
        /// `true`.
        case `true`
        /// `false`.
        case `false`
        /// `null`.
        case null
    }

    /// Which rule the text breaks.
    package enum Reason: Equatable, Sendable {
        /// The text stops in the middle of a value, or has none.
        case unexpectedEnd
        /// A byte the grammar does not allow here.
        case unexpectedByte(UInt8, expected: Expectation)
        /// More arrays and objects inside each other than the reader accepts.
        case depthExceeded(limit: Int)
        /// A string that is not well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
        case invalidUTF8
        /// A backslash followed by something that is no escape.
        case invalidEscape
        /// A `\u` escape of one half of a surrogate pair.
        case loneSurrogate
        /// A byte below 0x20 inside a string, where it must be escaped.
        case controlCharacterInString(UInt8)
        /// A number outside the grammar, such as `01`, `1.` or `1e`.
        case invalidNumber
        /// A name given twice in one object (RFC 7493 §2.3); the name is unescaped.
        case duplicateMember(String)
        /// Something after the value that is not whitespace.
        case trailingBytes
    }

    /// Index into the bytes given to the reader; for a text that stops too early, the end of the range read.
    package var offset: Int
    /// Which rule is broken there.
    package var reason: Reason

    /// Describes a fault at an offset.
    package init(offset: Int, reason: Reason) {
        self.offset = offset
        self.reason = reason
    }

    /// A sentence for a human. Quotes at most one byte of the text, or the start of a duplicate member's name.
    package var description: String { "\(reason) at byte \(offset)" }
}

extension Fault.Reason: CustomStringConvertible {
    /// The rule in words, without the position.
    package var description: String {
        switch self {
        case .unexpectedEnd: "the text ends before the value is complete"
        case .unexpectedByte(let byte, let expected): "expected \(expected), found \(Self.display(byte))"
        case .depthExceeded(let limit): "arrays and objects are nested more than \(limit) deep"
        case .invalidUTF8: "a string is not valid UTF-8"
        case .invalidEscape: "a backslash in a string starts no known escape"
        case .loneSurrogate: "a \\u escape is half of a surrogate pair"
        case .controlCharacterInString(let byte):
            "the control character \(Self.display(byte)) is not escaped in a string"
        case .invalidNumber: "a number is not written as JSON requires"
        case .duplicateMember(let name): "the member \(Self.display(name)) is given twice in one object"
        case .trailingBytes: "the value is followed by something else"
        }
    }

    private static func display(_ byte: UInt8) -> String {
        if byte > 0x20, byte < 0x7F { return "'\(Unicode.Scalar(byte))'" }
        let digits = String(byte, radix: 16, uppercase: true)
        return digits.utf8.count == 1 ? "0x0\(digits)" : "0x\(digits)"
    }

    /// The name as JSON, so that it cannot break a log line, and short.
    private static func display(_ name: String) -> String {
        var writer = Writer()
        writer.string(String(name.unicodeScalars.prefix(64)))
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

extension Fault.Expectation: CustomStringConvertible {
    /// What was expected, in words that fit after "expected".
    package var description: String {
        switch self {
        case .value: "a value"
        case .valueOrEndOfArray: "a value or ']'"
        case .memberName: "a member name"
        case .memberNameOrEndOfObject: "a member name or '}'"
        case .colon: "':' after a member name"
        case .commaOrEndOfArray: "',' or ']' after an element"
        case .commaOrEndOfObject: "',' or '}' after a member"
        case .literal(let literal): "the literal \(literal.rawValue)"
        }
    }
}
