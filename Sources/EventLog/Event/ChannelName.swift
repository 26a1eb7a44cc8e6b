// SPDX-License-Identifier: Apache-2.0

import JSON

/// The name of a channel: an event type and a key, written `type:key`.
package struct ChannelName: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Maximum length of the key, in UTF-8 bytes.
    package static let maxKeyLength = 200

    /// The full name, as used on the wire.
    package let description: String
    /// Computed once, because a name is looked up several times for each event. Differs between processes.
    package let hash: Int

    /// Joins a type and a key that are already validated (``isValidKey(_:)``, ``EventType/isValidName(_:)``).
    package init(type: String, key: String) {
        self.init(checked: type + ":" + key)
    }

    /// Parses a name from the wire; nil unless both parts are valid.
    package init?(parsing text: String) {
        guard let (type, key) = text.split(atFirst: ":"), EventType.isValidName(type), Self.isValidKey(key) else {
            return nil
        }
        self.init(checked: text)
    }

    /// Parses a name from a tape, which was valid when it was written; nil if it contains no colon.
    package init?(stored text: String) {
        guard text.utf8.contains(UInt8(ascii: ":")) else { return nil }
        self.init(checked: text)
    }

    private init(checked text: String) {
        self.description = text
        var hasher = Hasher()
        hasher.combine(bytesOf: text)
        self.hash = hasher.finalize()
    }

    /// The event type's name.
    package var type: Substring {
        Self.type(of: self.description)
    }

    /// What the channel is about: a user, a currency pair, a contract.
    package var key: Substring {
        Substring(self.description.utf8.drop { $0 != UInt8(ascii: ":") }.dropFirst())
    }

    /// The part before the colon, in a name that may not be valid.
    package static func type(of text: String) -> Substring {
        Substring(text.utf8.prefix { $0 != UInt8(ascii: ":") })
    }

    /// Whether a text is a valid key: 1 to ``maxKeyLength`` bytes without control characters.
    package static func isValidKey(_ key: some StringProtocol) -> Bool {
        (1...Self.maxKeyLength).contains(key.utf8.count) && key.hasNoControls
    }

    /// Compares bytes, as the tape does: texts that only look the same are different keys.
    package static func == (left: Self, right: Self) -> Bool {
        left.hash == right.hash && left.description.hasSameBytes(as: right.description)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.hash)
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.description.precedes(right.description)
    }
}
