// SPDX-License-Identifier: Apache-2.0

/// A text that equals another only when their bytes do, as in a database and on the wire: the key of every collection
/// of names that come from outside.
///
/// `String` compares by canonical equivalence: to it a composed and a decomposed `é` are one key. It hashes that way
/// too, so a client that chooses the names could make thousands of different ones with one hash.
package struct ExactText: Hashable, Comparable, Sendable {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.text.hasSameBytes(as: right.text)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(bytesOf: text)
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.text.precedes(right.text)
    }
}

extension ExactText: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) {
        self.init(text)
    }
}

extension ExactText: CustomStringConvertible {
    package var description: String { text }
}

extension Hasher {
    /// Adds a text by its bytes and its end.
    package mutating func combine(bytesOf text: String) {
        var text = text
        text.withUTF8 { bytes in
            unsafe combine(bytes: UnsafeRawBufferPointer(bytes))
        }
        // No byte of UTF-8: what follows does not run into it.
        combine(0xFF as UInt8)
    }
}
