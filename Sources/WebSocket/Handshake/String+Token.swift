// SPDX-License-Identifier: Apache-2.0

extension StringProtocol where SubSequence == Substring {
    /// The text without the blanks and tabs around it.
    var trimmed: Substring {
        var rest = self[...]
        while let first = rest.utf8.first, first == 0x20 || first == 0x09 {
            rest = rest.dropFirst()
        }
        while let last = rest.utf8.last, last == 0x20 || last == 0x09 {
            rest = rest.dropLast()
        }
        return rest
    }

    /// Whether the text is a `token` of RFC 9110 §5.6.2.
    var isToken: Bool {
        !isEmpty && utf8.allSatisfy(\.isTokenCharacter)
    }
}
