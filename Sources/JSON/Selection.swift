// SPDX-License-Identifier: Apache-2.0

/// Names of members that are wanted together, so that one pass over an object finds all of them.
package struct Selection: Sendable {
    private struct Name: Sendable {
        let text: String
        let bytes: [UInt8]
        /// The first eight bytes, the first of them lowest; zeros where the name is shorter.
        let word: UInt64
    }

    private let names: [Name]

    /// - Parameter names: Each once. Its index in this list finds its value.
    package init(_ names: [String]) {
        self.names = names.map { text in
            let bytes = Array(text.utf8)
            let word = bytes.prefix(8).enumerated().reduce(0) {
                $0 | UInt64(truncatingIfNeeded: $1.element) << (8 * UInt64(truncatingIfNeeded: $1.offset))
            }
            return Name(text: text, bytes: bytes, word: word)
        }
    }

    /// How many names there are.
    var count: Int { names.count }

    /// Whether a name is selected, and its index. Members mostly come in an order that is nearly that of the list,
    /// so the search begins at `hint` and goes round.
    func place(of content: Range<Int>, hasEscapes: Bool, in bytes: Span<UInt8>, hint: Int) -> Int? {
        var place = hint < names.count ? hint : 0
        for _ in 0..<names.count {
            if isName(at: place, content, hasEscapes, bytes) { return place }
            place += 1
            if place == names.count { place = 0 }
        }
        return nil
    }

    private func isName(at place: Int, _ content: Range<Int>, _ hasEscapes: Bool, _ bytes: Span<UInt8>) -> Bool {
        if hasEscapes { return bytes.string(content, hasEscapes: true, equals: names[place].text) }
        let count = names[place].bytes.count
        guard content.count == count else { return false }
        guard count <= 8, content.lowerBound + 8 <= bytes.count else {
            for index in 0..<count where bytes[content.lowerBound + index] != names[place].bytes[index] {
                return false
            }
            return true
        }
        let unwanted = UInt64(truncatingIfNeeded: 8 * (8 - count))
        return (bytes.word(at: content.lowerBound) << unwanted) == (names[place].word << unwanted)
    }
}

extension Value {
    /// The members of one object that a ``Selection`` names.
    package struct Selected: Sendable {
        private let object: Value
        /// Where each value begins and ends, by the name's index; -1 where there is none.
        private var bounds: [(start: Int, end: Int)]

        init(_ selection: Selection, of object: Value) {
            self.object = object
            bounds = Array(repeating: (-1, -1), count: selection.count)
            let bytes = object.storage.span
            guard bytes[object.start] == .openBrace else { return }
            let last = object.end - 1
            var position = bytes.pastWhitespace(from: object.start + 1, before: last)
            var hint = 0
            while position < last {
                let name = bytes.pastString(from: position, before: last)
                let content = position + 1..<name.index - 1
                let start = bytes.pastSeparator(from: name.index, before: last)
                let end = bytes.pastValue(from: start, before: last)
                if let place = selection.place(of: content, hasEscapes: name.hasEscapes, in: bytes, hint: hint) {
                    bounds[place] = (start, end)
                    hint = place + 1
                }
                position = bytes.pastSeparator(from: end, before: last)
            }
        }

        /// The value of the name at an index of the selection; nil if the object does not have it.
        package subscript(place: Int) -> Value? {
            let (start, end) = bounds[place]
            return start < 0 ? nil : object.part(start, end)
        }
    }

    /// Finds several members in one pass. Selects nothing unless this is an object.
    package func select(_ selection: Selection) -> Selected { Selected(selection, of: self) }
}
