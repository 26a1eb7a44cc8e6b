// SPDX-License-Identifier: Apache-2.0

import JSON

/// The name of a channel: an event type and a key, written `type:key`.
package struct ChannelName: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Longest key, in UTF-8 bytes.
    package static let maxKeyLength = 200

    /// The whole name, as it stands on the wire.
    package let description: String
    /// Reckoned once: a name is looked up several times on the way of each event. Not the same in another process.
    package let hash: Int

    /// Joins a type and a key that have been checked already (``isValidKey(_:)``, ``EventType/isValidName(_:)``).
    package init(type: String, key: String) {
        self.init(checked: type + ":" + key)
    }

    /// Reads a name from the wire; nil unless both parts are well formed.
    package init?(parsing text: String) {
        guard let (type, key) = text.split(atFirst: ":"), EventType.isValidName(type), Self.isValidKey(key) else {
            return nil
        }
        self.init(checked: text)
    }

    /// Reads a name that a tape has, which was well formed when it was written; nil when there is no colon in it.
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

    /// What the channel is about: a user, a pair, a contract.
    package var key: Substring {
        Substring(self.description.utf8.drop { $0 != UInt8(ascii: ":") }.dropFirst())
    }

    /// What stands before the colon, in a name that may not be well formed.
    package static func type(of text: String) -> Substring {
        Substring(text.utf8.prefix { $0 != UInt8(ascii: ":") })
    }

    /// Whether a text can be a key: 1 to ``maxKeyLength`` bytes without control characters.
    package static func isValidKey(_ key: some StringProtocol) -> Bool {
        (1...Self.maxKeyLength).contains(key.utf8.count) && key.hasNoControls
    }

    /// By bytes, as the tape tells names apart: texts that only look the same are different keys.
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
