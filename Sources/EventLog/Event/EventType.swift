// SPDX-License-Identifier: Apache-2.0

/// One kind of event and the policy for all its channels.
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

    /// What a subscriber that cannot keep up gets.
    package enum Delivery: String, Sendable, CaseIterable {
        /// Every event, later.
        case every
        /// The newest of each slot, with a count of those skipped.
        case latest
    }

    /// The field of `data` that conflation keeps the newest one of each value of.
    package struct Slot: Sendable, Equatable {
        package var field: String
        /// Stands in where the field is missing.
        package var defaultValue: String

        package init(field: String, defaultValue: String) {
            self.field = field
            self.defaultValue = defaultValue
        }
    }

    package var name: String
    package var readers: Readers
    package var delivery: Delivery
    /// The field of `data` that names the key when the event itself does not.
    package var keyField: String?
    package var slot: Slot?
    /// How long events can be resumed from; nil keeps them for ever. The newest of each slot is kept in any case.
    package var retention: Duration?
    package var fields: [Field]
    /// What its events change beside the log; only the built-in types have one.
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

    /// Whether a text can name a type: a letter, then up to 63 letters, digits, `.`, `_` or `-`.
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
