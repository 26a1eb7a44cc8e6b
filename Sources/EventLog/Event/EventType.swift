// SPDX-License-Identifier: Apache-2.0

/// A kind of event, and the policy for all its channels.
package struct EventType: Sendable, Equatable {
    /// Who may read a channel of the type.
    package enum Readers: String, Sendable, CaseIterable {
        /// The user whose id is the channel's key; others need `read:<type>`.
        case owner
        /// Everyone.
        case everyone
        /// Only those with the scope `read:<type>`.
        case scope
    }

    /// What a subscriber gets that cannot keep up.
    package enum Delivery: String, Sendable, CaseIterable {
        /// Every event, later.
        case every
        /// The newest event of each slot, with the number of skipped events.
        case latest
    }

    /// The field of `data` used for conflation: the newest event of each of its values is kept.
    package struct Slot: Sendable, Equatable {
        package var field: String
        /// Used if the field is missing.
        package var defaultValue: String

        package init(field: String, defaultValue: String) {
            self.field = field
            self.defaultValue = defaultValue
        }
    }

    package var name: String
    package var readers: Readers
    package var delivery: Delivery
    /// The field of `data` that contains the key if the event itself does not specify one.
    package var keyField: String?
    package var slot: Slot?
    /// How long events can be resumed from; nil keeps them forever. The newest event of each slot is always kept.
    package var retention: Duration?
    package var fields: [Field]
    /// The tables its events update besides the log. Only built-in types have one.
    package var projection: Projection?

    package init(
        name: String,
        readers: Readers,
        delivery: Delivery,
        keyField: String? = nil,
        slot: Slot? = nil,
        retention: Duration? = nil,
        fields: [Field] = [],
        projection: Projection? = nil
    ) {
        self.name = name
        self.readers = readers
        self.delivery = delivery
        self.keyField = keyField
        self.slot = slot
        self.retention = retention
        self.fields = fields
        self.projection = projection
    }

    /// Whether a text is a valid type name: a letter, followed by up to 63 letters, digits, `.`, `_` or `-`.
    package static func isValidName(_ name: some StringProtocol) -> Bool {
        let bytes = name.utf8
        guard let first = bytes.first, Self.isLetter(first), bytes.count <= 64 else { return false }
        return bytes.allSatisfy { byte in
            Self.isLetter(byte) || (0x30...0x39).contains(byte)
                || [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-")].contains(byte)
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte | 0x20)
    }
}
