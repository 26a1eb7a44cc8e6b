// SPDX-License-Identifier: Apache-2.0

extension Value {
    /// The members of an object in the order of the text.
    package struct Members: Sequence, IteratorProtocol, Sendable {
        private var cursor: Cursor

        init(of value: Value) {
            cursor = Cursor(in: value, opening: .openBrace)
        }

        /// The next member, with its name unescaped.
        package mutating func next() -> (name: String, value: Value)? {
            guard let (name, hasEscapes) = cursor.nextName() else { return nil }
            let value = cursor.takeValue()
            return (value.string(name, hasEscapes: hasEscapes), value)
        }
    }

    /// The elements of an array in the order of the text.
    package struct Elements: Sequence, IteratorProtocol, Sendable {
        private var cursor: Cursor

        init(of value: Value) {
            cursor = Cursor(in: value, opening: .openBracket)
        }

        /// The next element.
        package mutating func next() -> Value? {
            cursor.isAtEnd ? nil : cursor.takeValue()
        }
    }

    /// The members of an object; none unless this is an object.
    package var members: Members { Members(of: self) }

    /// The elements of an array; none unless this is an array.
    package var elements: Elements { Elements(of: self) }

    /// The number of members or elements, counted at every call; zero unless this is an object or an array.
    package var count: Int {
        var count = 0
        var elements = Cursor(in: self, opening: .openBracket)
        while !elements.isAtEnd {
            elements.skipValue()
            count += 1
        }
        var members = Cursor(in: self, opening: .openBrace)
        while members.nextName() != nil {
            members.skipValue()
            count += 1
        }
        return count
    }

    /// The value of the member of that name; nil if there is none or this is not an object.
    package subscript(_ member: String) -> Value? {
        storage.span.member(member, from: start, before: end).map { part($0.lowerBound, $0.upperBound) }
    }
}

/// A position between the members or elements of a value.
struct Cursor: Sendable {
    private let container: Value
    private var position: Int
    /// Index of the closing brace or bracket.
    private let last: Int

    /// Starts before the first, or at the end if the value does not begin with the opening byte.
    init(in value: Value, opening: UInt8) {
        container = value
        last = value.end - 1
        let isContainer = value.storage[value.start] == opening
        position = isContainer ? value.storage.span.pastWhitespace(from: value.start + 1, before: last) : last
    }

    var isAtEnd: Bool { position >= last }

    /// Moves past a name and its colon; the range is the inside of the name. Nil at the end of the object.
    mutating func nextName() -> (content: Range<Int>, hasEscapes: Bool)? {
        if isAtEnd { return nil }
        let name = container.storage.span.pastString(from: position, before: last)
        let content = position + 1..<name.index - 1
        position = container.storage.span.pastSeparator(from: name.index, before: last)
        return (content, name.hasEscapes)
    }

    /// Moves past a value, up to the next member or element.
    mutating func skipValue() {
        let end = container.storage.span.pastValue(from: position, before: last)
        position = container.storage.span.pastSeparator(from: end, before: last)
    }

    /// Moves past a value as ``skipValue()`` does and returns it.
    mutating func takeValue() -> Value {
        let start = position
        let end = container.storage.span.pastValue(from: start, before: last)
        position = container.storage.span.pastSeparator(from: end, before: last)
        return container.part(start, end)
    }
}
