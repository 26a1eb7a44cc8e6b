// SPDX-License-Identifier: Apache-2.0

/// The header fields of one side's opening handshake, in order.
///
/// Names compare without regard to case.
package struct HeaderFields: Sendable, Hashable {
    /// One header field.
    package struct Field: Sendable, Hashable {
        /// The name in lower case.
        package let name: String
        /// The value without the blanks around it.
        package let value: String
    }

    /// Every field in the order received.
    package private(set) var all: [Field]

    /// Creates fields from names and values as another HTTP codec found them.
    package init(_ fields: [(name: String, value: String)] = []) {
        all = fields.map { Field(name: $0.name.lowercased(), value: $0.value) }
    }

    init(_ fields: [Field]) {
        all = fields
    }

    /// The first value of a field, `nil` where it is absent.
    package subscript(_ name: String) -> String? {
        let name = name.lowercased()
        return all.first { $0.name == name }?.value
    }

    /// Every value of a field that may be repeated.
    package func values(_ name: String) -> [String] {
        let name = name.lowercased()
        return all.filter { $0.name == name }.map(\.value)
    }

    /// How often a field occurs.
    func count(_ name: String) -> Int {
        all.count { $0.name == name }
    }

    /// The elements of a comma-separated field over all its lines, empty elements left out (RFC 9110 §5.6.1).
    func list(_ name: String) -> [Substring] {
        // Bytes, not characters: a comma with a combining mark after it is still a comma.
        values(name).flatMap { $0.utf8.split(separator: UInt8(ascii: ",")) }.map { Substring($0).trimmed }
            .filter { !$0.isEmpty }
    }

    /// Whether a comma-separated field has this element, which is in lower case, without regard to case.
    func list(_ name: String, contains token: String) -> Bool {
        all.contains { field in
            field.name == name && (field.value.isSame(as: token) || list(name).contains { $0.isSame(as: token) })
        }
    }
}

extension StringProtocol {
    /// Whether the text is this one, which is in lower case, without regard to the case of ASCII letters.
    fileprivate func isSame(as token: String) -> Bool {
        utf8.elementsEqual(token.utf8) { byte, wanted in
            byte == wanted || (byte | 0x20 == wanted && UInt8(ascii: "a")...UInt8(ascii: "z") ~= wanted)
        }
    }
}
