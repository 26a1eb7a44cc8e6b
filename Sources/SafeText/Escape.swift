// SPDX-License-Identifier: Apache-2.0

/// Makes text from outside harmless for terminals and for logs of lines.
package enum Escape {
    private static let digits = Array("0123456789abcdef".unicodeScalars)

    /// The text with every character that a terminal obeys, that ends a line or that cannot be seen written as JSON
    /// writes it (`\n`, `\u001b`): control characters, line and paragraph separators, and formatting characters such as
    /// those that turn the direction of writing. The two joiners stay: several scripts need them.
    ///
    /// Of a JSON text without white space between its tokens the result is the same JSON.
    package static func text(_ text: String) -> String {
        guard !text.utf8.allSatisfy({ 0x20...0x7E ~= $0 }), text.unicodeScalars.contains(where: Self.isUnsafe) else {
            return text
        }
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if Self.isUnsafe(scalar) { Self.append(scalar, to: &escaped) } else { escaped.append(scalar) }
        }
        return String(escaped)
    }

    /// ``text(_:)`` of each line; the lines stay.
    package static func lines(_ text: String) -> String {
        text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { Self.text(String(decoding: $0, as: UTF8.self)) }.joined(separator: "\n")
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        case .format: scalar.value != 0x200C && scalar.value != 0x200D
        default: false
        }
    }

    private static func append(_ scalar: Unicode.Scalar, to text: inout String.UnicodeScalarView) {
        switch scalar {
        case "\n": text.append(contentsOf: "\\n".unicodeScalars)
        case "\r": text.append(contentsOf: "\\r".unicodeScalars)
        case "\t": text.append(contentsOf: "\\t".unicodeScalars)
        default:
            for unit in UTF16.encode(scalar) ?? .init() {
                text.append(contentsOf: "\\u".unicodeScalars)
                for shift in [12, 8, 4, 0] { text.append(Self.digits[Int(truncatingIfNeeded: unit >> shift & 0xF)]) }
            }
        }
    }
}
