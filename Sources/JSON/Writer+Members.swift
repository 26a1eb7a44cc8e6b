// SPDX-License-Identifier: Apache-2.0

extension Writer {
    /// The only value of a member that is `null`.
    package enum Null: Sendable {
        /// `null`.
        case null
    }

    /// Writes a member whose value is a string.
    package mutating func member(_ name: String, string value: String) {
        self.name(name)
        string(value)
    }

    /// Writes a member whose value is an integer.
    package mutating func member(_ name: String, integer value: some FixedWidthInteger) {
        self.name(name)
        integer(value)
    }

    /// Writes a member whose value is `true` or `false`.
    package mutating func member(_ name: String, bool value: Bool) {
        self.name(name)
        bool(value)
    }

    /// Writes a member whose value is already JSON; see ``raw(_:)``. Quicker than the general way for an array.
    package mutating func member(_ name: String, raw json: [UInt8]) {
        self.name(name)
        raw(json)
    }

    /// Writes a member whose value is already JSON; see ``raw(_:)``.
    package mutating func member(_ name: String, raw json: some Sequence<UInt8>) {
        self.name(name)
        raw(json)
    }

    /// Writes a member whose value is `null`.
    package mutating func member(_ name: String, _ value: Null) {
        self.name(name)
        null()
    }
}
