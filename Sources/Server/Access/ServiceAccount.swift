// SPDX-License-Identifier: Apache-2.0

import EventLog
package import Secrets

/// A service of the configuration, with its permissions and credentials.
package struct ServiceAccount: Sendable, Equatable {
    /// Maximum number of API keys: two, for rotation.
    package static let maxKeys = 2
    /// Maximum number of signature secrets.
    package static let maxSecrets = 2

    package var name: String
    package var scopes: Set<String>
    /// SHA-256 of its API keys.
    package var keyHashes: [[UInt8]]
    /// Secrets of ``WebhookSignature``.
    package var secrets: [Secret]

    /// Whether a text is a valid service name.
    package static func isValidName(_ name: String) -> Bool {
        ChannelName.isValidKey(name)
    }

    package init(name: String, scopes: Set<String>, keyHashes: [[UInt8]] = [], secrets: [Secret] = []) {
        self.name = name
        self.scopes = scopes
        self.keyHashes = keyHashes
        self.secrets = secrets
    }
}
