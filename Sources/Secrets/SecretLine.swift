// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The one line that a secret or a password is written on: the same text means the same, in a file and in a variable.
///
/// One line end after it is not part of it. What could be meant in two ways is refused: blanks around it, other line
/// ends, a byte order mark.
package struct SecretLine: Sendable {
    /// Why a text cannot be used. Does not repeat it.
    package struct Invalid: Error, Sendable, Equatable, CustomStringConvertible {
        package let description: String

        init(_ description: String) {
            self.description = description
        }

        /// Says which file it is about.
        func of(_ path: String) -> Invalid {
            Invalid("\(path): \(self.description)")
        }
    }

    /// Longest file, in bytes.
    private static let fileLimit = 64 << 10

    package let text: String

    package init(_ text: String) throws(Invalid) {
        // Not characters: a carriage return and a line feed are one.
        var scalars = text.unicodeScalars
        if scalars.last == "\n" {
            scalars.removeLast()
            if scalars.last == "\r" { scalars.removeLast() }
        }
        guard !scalars.isEmpty else { throw Invalid("the secret is empty") }
        guard !scalars.allSatisfy(\.isBlank) else { throw Invalid("the secret consists of blanks") }
        guard !scalars.contains(where: \.isControl) else {
            throw Invalid("the secret has a line end or another control character in it; it is one line of text")
        }
        guard scalars.first?.isBlank != true, scalars.last?.isBlank != true else {
            throw Invalid("the secret begins or ends with a blank; take it away")
        }
        guard scalars.first != "\u{FEFF}" else {
            throw Invalid("the secret begins with a byte order mark; write the file without it")
        }
        self.text = String(scalars)
    }

    package init(file path: String) throws(Invalid) {
        guard !path.isEmpty else { throw Invalid("the name of the file is empty") }
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw Invalid("the secret cannot be read (\(error.localizedDescription))").of(path)
        }
        guard data.count <= Self.fileLimit else {
            throw Invalid("the file has \(data.count) bytes, which is no secret").of(path)
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw Invalid("the secret is not text (UTF-8); write it in hexadecimal or Base64").of(path)
        }
        do throws(Invalid) {
            try self.init(text)
        } catch {
            throw error.of(path)
        }
    }
}

extension Unicode.Scalar {
    fileprivate var isBlank: Bool {
        self.properties.isWhitespace
    }

    /// Of ASCII, and Unicode's own line ends.
    fileprivate var isControl: Bool {
        self.value < 0x20 || self.value == 0x7F || self.value == 0x85 || self.value == 0x2028 || self.value == 0x2029
    }
}
