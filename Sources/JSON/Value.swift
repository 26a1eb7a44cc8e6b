// SPDX-License-Identifier: Apache-2.0

/// A JSON value: a validated part of a text, which it shares with every value taken from it.
///
/// Copies are cheap and keep the whole text alive; keep ``compacted()`` instead of a small value from a large text.
/// Nothing is decoded before it is asked for, so lookups cost time in proportion to the text they pass over.
package struct Value: Sendable {
    /// The kinds of value of RFC 8259 §3.
    package enum Kind: Sendable {
        /// `null`.
        case null
        /// `true` or `false`.
        case bool
        /// A number of any size and precision.
        case number
        /// A string.
        case string
        /// An array.
        case array
        /// An object, whose names are unique.
        case object
    }

    /// What is known about whitespace between the tokens of a value.
    enum Spacing: UInt8 {
        case none
        case some
        case unknown
    }

    let storage: [UInt8]
    let start: Int
    let end: Int
    let spacing: Spacing

    /// The value of a part of this one, whose spacing follows from this one's only if there is none.
    func part(_ start: Int, _ end: Int) -> Value {
        Value(storage: storage, start: start, end: end, spacing: spacing == .none ? .none : .unknown)
    }

    /// Which kind of value this is.
    package var kind: Kind {
        switch storage[start] {
        case .openBrace: .object
        case .openBracket: .array
        case .quote: .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
        case UInt8(ascii: "n"): .null
        default: .number
        }
    }

    /// The value as it was written, without whitespace around it.
    package var text: ArraySlice<UInt8> { storage[start..<end] }

    /// The content of a string, unescaped; nil unless this is a string.
    package var string: String? {
        guard storage[start] == .quote else { return nil }
        let content = start + 1..<end - 1
        return string(content, hasEscapes: hasEscapes(content))
    }

    /// The inside of a string that is written without escapes, as it is in the text; nil for any other value.
    package var plainText: ArraySlice<UInt8>? {
        guard storage[start] == .quote else { return nil }
        let content = start + 1..<end - 1
        return hasEscapes(content) ? nil : storage[content]
    }

    /// The number as it was written, however long or precise; nil unless it is a number.
    package var number: String? {
        kind == .number ? String(decoding: text, as: UTF8.self) : nil
    }

    /// True or false; nil unless it is a boolean.
    package var bool: Bool? {
        switch storage[start] {
        case UInt8(ascii: "t"): true
        case UInt8(ascii: "f"): false
        default: nil
        }
    }

    /// Whether this is `null`.
    package var isNull: Bool { storage[start] == UInt8(ascii: "n") }

    /// Whether this is a string of exactly the scalars of `text`.
    ///
    /// Unlike `==` on strings, differently composed characters differ. Allocates only if the value has escapes.
    package func equals(_ text: String) -> Bool {
        guard storage[start] == .quote else { return false }
        let content = start + 1..<end - 1
        return storage.span.string(content, hasEscapes: hasEscapes(content), equals: text)
    }

    /// Whether the inside of a string has escapes; it has no quotes but escaped ones.
    private func hasEscapes(_ content: Range<Int>) -> Bool {
        storage.span.pastText(from: content.lowerBound, before: content.upperBound) < content.upperBound
    }

    /// Decodes the inside of a string of this text.
    func string(_ content: Range<Int>, hasEscapes: Bool) -> String {
        guard hasEscapes else { return String(decoding: storage[content], as: UTF8.self) }
        var unescaped: [UInt8] = []
        storage.span.unescape(content, into: &unescaped)
        return String(decoding: unescaped, as: UTF8.self)
    }
}

extension Value {
    /// Reads a text that is one JSON value, with whitespace around it allowed.
    ///
    /// `maxDepth` is how many arrays and objects may be inside each other; zero allows only scalars.
    package static func parse(_ bytes: [UInt8], maxDepth: Int = 64) throws(Fault) -> Value {
        try parse(bytes, in: bytes.indices, maxDepth: maxDepth)
    }

    /// Reads a part of a buffer that is one JSON value, such as a line of NDJSON. The value keeps the whole buffer.
    ///
    /// The offset of a fault is relative to the buffer. What lies outside the buffer is taken as missing.
    /// `maxDepth` is how many arrays and objects may be inside each other; zero allows only scalars.
    package static func parse(_ bytes: [UInt8], in range: Range<Int>, maxDepth: Int = 64) throws(Fault) -> Value {
        var scanner = Scanner(range: range.clamped(to: bytes.indices), maxDepth: maxDepth)
        let span = bytes.span
        scanner.skipSurroundingWhitespace(span)
        let start = scanner.position
        try scanner.scanValue(span)
        let end = scanner.position
        scanner.skipSurroundingWhitespace(span)
        guard scanner.position == scanner.end else {
            throw Fault(offset: scanner.position, reason: .trailingBytes)
        }
        return Value(storage: bytes, start: start, end: end, spacing: scanner.hasWhitespace ? .some : .none)
    }
}

extension Value {
    /// Whether there is no whitespace between the tokens. Known for a parsed text and for all parts of a compact one,
    /// found by going over the text otherwise.
    package var isCompact: Bool {
        switch spacing {
        case .none: true
        case .some: false
        case .unknown: storage.span.firstWhitespace(from: start, before: end) == nil
        }
    }

    /// The value as it was written, without whitespace between the tokens, hence on one line.
    ///
    /// Copies nothing if the value is compact and is its whole text.
    package func compacted() -> [UInt8] {
        if isCompact { return start == 0 && end == storage.count ? storage : Array(text) }
        var result: [UInt8] = []
        result.reserveCapacity(end - start)
        let bytes = storage.span
        var index = start
        while index < end {
            let stop = bytes.firstWhitespace(from: index, before: end) ?? end
            result.append(contentsOf: storage[index..<stop])
            index = bytes.pastWhitespace(from: stop, before: end)
        }
        return result
    }
}
