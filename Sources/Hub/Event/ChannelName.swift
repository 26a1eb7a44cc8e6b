// SPDX-License-Identifier: Apache-2.0

/// The name of a channel: an event type and a key, written `type:key`.
package struct ChannelName: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Longest key, in UTF-8 bytes.
    package static let maxKeyLength = 200

    /// The whole name, as it stands on the wire.
    package let description: String

    /// Joins a type and a key that have been checked already (``isValidKey(_:)``, ``EventType/isValidName(_:)``).
    package init(type: String, key: String) {
        self.description = type + ":" + key
    }

    /// Reads a name from the wire; nil unless both parts are well formed.
    package init?(parsing text: String) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        guard EventType.isValidName(text[..<colon]), Self.isValidKey(text[text.utf8.index(after: colon)...]) else {
            return nil
        }
        self.description = text
    }

    /// The event type's name.
    package var type: Substring {
        self.description.prefix { $0 != ":" }
    }

    /// What the channel is about: a user, a pair, a contract.
    package var key: Substring {
        self.description[self.description.utf8.index(after: self.type.endIndex)...]
    }

    /// Whether a text can be a key: 1 to ``maxKeyLength`` bytes without control characters.
    package static func isValidKey(_ key: some StringProtocol) -> Bool {
        let bytes = key.utf8
        return (1...Self.maxKeyLength).contains(bytes.count) && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.description < right.description
    }
}
