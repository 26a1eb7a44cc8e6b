// SPDX-License-Identifier: Apache-2.0

/// The three bits of a frame header that only extensions may use, as they lie in its first byte (RFC 6455 §5.2).
package struct ReservedBits: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue & 0x70
    }

    /// Marks a compressed message where permessage-deflate was negotiated (RFC 7692 §6).
    package static let rsv1 = ReservedBits(rawValue: 0x40)
    /// Used by no registered extension.
    package static let rsv2 = ReservedBits(rawValue: 0x20)
    /// Used by no registered extension.
    package static let rsv3 = ReservedBits(rawValue: 0x10)
}
