// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
package import NIOCore
package import Secrets

/// Authenticates messages of nodes with the shared secret: an HMAC-SHA-256 of the whole message, at its end.
///
/// The key is derived for one Redis channel, so that messages of another channel, tape or epoch are not valid here.
package struct BusSeal: Sendable {
    /// Length of the seal, in bytes.
    package static let length = 32

    /// The first one seals; all of them verify.
    private let keys: [SymmetricKey]

    /// - Parameters:
    ///   - secrets: At least one. The first one seals, and all of them verify, so that secrets can be rotated.
    ///   - channel: The Redis channel.
    package init(_ secrets: [Secret], channel: String) {
        precondition(!secrets.isEmpty, "a seal needs a secret")
        self.keys = secrets.map { $0.key(for: "broadtape bus " + channel) }
    }

    /// Appends the seal of the message.
    package func seal(_ message: inout ByteBuffer) {
        guard let key = self.keys.first else { return }
        let code = unsafe message.withUnsafeReadableBytes { bytes in
            unsafe HMAC<SHA256>.authenticationCode(for: bytes, using: key)
        }
        message.writeBytes(code)
    }

    /// Whether a message has a valid seal of one of the keys.
    package func isGood(_ message: [UInt8]) -> Bool {
        guard message.count > Self.length else { return false }
        let (content, code) = (message.dropLast(Self.length), message.suffix(Self.length))
        // Constant-time comparison.
        return self.keys.contains { key in
            HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: content, using: key)
        }
    }
}
