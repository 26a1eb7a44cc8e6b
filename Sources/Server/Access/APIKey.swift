// SPDX-License-Identifier: Apache-2.0

import Crypto
import Secrets

/// A service's key: 256 random bits with a prefix by which it is recognised, where it should not be too.
///
/// Only its SHA-256 is kept. That is enough, without salt and slowness, for what nobody can guess.
package enum APIKey {
    /// What every key begins with.
    package static let prefix = "bt_"
    /// What a hash begins with where it is written down.
    package static let hashPrefix = "sha256:"
    private static let hashLength = 32

    /// Makes a key.
    package static func make() -> String {
        var generator = SystemRandomNumberGenerator()
        return self.prefix + Base64URL.encode((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// Whether a text can be a key: with as many bytes as a ``Secret`` behind the prefix.
    static func isLongEnough(_ key: String) -> Bool {
        key.utf8.count >= self.prefix.utf8.count + Secret.leastLength
    }

    /// The hash of a whole key, prefix included.
    static func hash(of key: String) -> [UInt8] {
        Array(SHA256.hash(data: Array(key.utf8)))
    }

    /// What is written into the configuration.
    package static func writtenHash(of key: String) -> String {
        self.hashPrefix + Hex.encode(self.hash(of: key))
    }

    /// Reads what ``writtenHash(of:)`` gives.
    package static func readHash(_ text: String) -> [UInt8]? {
        guard text.hasPrefix(self.hashPrefix),
            let hash = Hex.decode(text.dropFirst(self.hashPrefix.count)), hash.count == self.hashLength
        else { return nil }
        return hash
    }
}
