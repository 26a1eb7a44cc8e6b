// SPDX-License-Identifier: Apache-2.0

import EventLog
package import Secrets

/// A service that the configuration knows, with what it may do and how it proves who it is.
package struct ServiceAccount: Sendable, Equatable {
    /// API keys at once: the one in use and the one that takes its place.
    package static let maxKeys = 2
    /// Secrets for signatures at once.
    package static let maxSecrets = 2

    package var name: String
    package var scopes: Set<String>
    /// SHA-256 of its API keys.
    package var keyHashes: [[UInt8]]
    /// For ``WebhookSignature``.
    package var secrets: [Secret]

    /// Whether a text can be the subject of a service.
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
