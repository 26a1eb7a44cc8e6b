// SPDX-License-Identifier: Apache-2.0

import Crypto
import Secrets

/// A service's API key: 256 random bits with a prefix, which makes leaked keys easy to find.
///
/// Only its SHA-256 is stored. A random key cannot be guessed, so it needs neither a salt nor a slow hash.
package enum APIKey {
    /// Prefix of every key.
    package static let prefix = "bt_"
    /// Prefix of a hash in the configuration.
    package static let hashPrefix = "sha256:"
    private static let hashLength = 32

    /// Creates a key.
    package static func make() -> String {
        var generator = SystemRandomNumberGenerator()
        return self.prefix + Base64URL.encode((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// Whether a text can be a key: it has at least as many bytes after the prefix as a ``Secret``.
    static func isLongEnough(_ key: String) -> Bool {
        key.utf8.count >= self.prefix.utf8.count + Secret.leastLength
    }

    /// The hash of a whole key, prefix included.
    static func hash(of key: String) -> [UInt8] {
        Array(SHA256.hash(data: Array(key.utf8)))
    }

    /// The hash as written in the configuration.
    package static func writtenHash(of key: String) -> String {
        self.hashPrefix + Hex.encode(self.hash(of: key))
    }

    /// Parses the result of ``writtenHash(of:)``.
    package static func readHash(_ text: String) -> [UInt8]? {
        guard text.hasPrefix(self.hashPrefix),
            let hash = Hex.decode(text.dropFirst(self.hashPrefix.count)), hash.count == self.hashLength
        else { return nil }
        return hash
    }
}
