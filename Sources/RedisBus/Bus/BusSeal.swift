// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
package import NIOCore
package import Secrets

/// Shows that a message comes from a node that knows the shared secret: HMAC-SHA-256 of all of it, at its end.
///
/// The key is derived for one channel of Redis, so that what was sent on another one, of another tape or another epoch,
/// is of no use here.
package struct BusSeal: Sendable {
    /// Bytes that it adds to a message.
    package static let length = 32

    /// The first one seals; messages sealed with any of them are taken.
    private let keys: [SymmetricKey]

    /// - Parameters:
    ///   - secrets: At least one. Messages are sealed with the first; those sealed with others are taken as well, while
    ///     one is exchanged for another.
    ///   - channel: The channel of Redis.
    package init(_ secrets: [Secret], channel: String) {
        precondition(!secrets.isEmpty, "a seal needs a secret")
        self.keys = secrets.map { $0.key(for: "broadtape bus " + channel) }
    }

    /// Appends the code of what is there.
    package func seal(_ message: inout ByteBuffer) {
        guard let key = self.keys.first else { return }
        let code = unsafe message.withUnsafeReadableBytes { bytes in
            unsafe HMAC<SHA256>.authenticationCode(for: bytes, using: key)
        }
        message.writeBytes(code)
    }

    /// Whether a message was sealed with one of the keys.
    package func isGood(_ message: [UInt8]) -> Bool {
        guard message.count > Self.length else { return false }
        let (content, code) = (message.dropLast(Self.length), message.suffix(Self.length))
        // Compares in constant time.
        return self.keys.contains { key in
            HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: content, using: key)
        }
    }
}
