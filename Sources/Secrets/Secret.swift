// SPDX-License-Identifier: Apache-2.0

package import Crypto
import Foundation

/// What tokens, requests and messages between nodes are signed with: shared, and long enough not to be guessed.
///
/// The only ways to one check it, and no description shows it.
package struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Least length in bytes, that of the hash (RFC 7518 §3.2).
    package static let leastLength = 32

    private let bytes: [UInt8]

    /// Takes a secret from a setting, as ``SecretLine/init(_:)`` reads it.
    package init(_ text: String) throws(SecretLine.Invalid) {
        try self.init(SecretLine(text))
    }

    /// Takes a secret from a file.
    package init(file path: String) throws(SecretLine.Invalid) {
        let line = try SecretLine(file: path)
        do throws(SecretLine.Invalid) {
            try self.init(line)
        } catch {
            throw error.of(path)
        }
    }

    private init(_ line: SecretLine) throws(SecretLine.Invalid) {
        let bytes = Array(line.text.utf8)
        guard bytes.count >= Self.leastLength else {
            throw SecretLine.Invalid("the secret has \(bytes.count) bytes; it needs \(Self.leastLength) or more")
        }
        self.bytes = bytes
    }

    /// The key itself.
    package var key: SymmetricKey {
        SymmetricKey(data: self.bytes)
    }

    /// A key of its own for one purpose, which tells nothing of the secret or of other keys (HKDF-SHA-256, RFC 5869).
    package func key(for purpose: String) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(inputKeyMaterial: self.key, info: Array(purpose.utf8), outputByteCount: 32)
    }

    package var description: String { "…" }
    package var debugDescription: String { "…" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
