// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Tells the other nodes that revocations have changed, on the channel of the commits:
///
///     "btr" version:UInt8 instance:2×UInt64
///
/// What they are is read from the database: a message that anybody could forge revokes nothing. Nodes that do not know
/// it count it as malformed and find the change when they look for themselves.
enum RevocationMessage {
    private static let magic: [UInt8] = Array("btr".utf8)
    private static let version: UInt8 = 1
    private static let length = 20

    static func encode(from sender: InstanceID) -> ByteBuffer {
        var message = ByteBuffer()
        message.writeBytes(Self.magic)
        message.writeMultipleIntegers(Self.version, sender.high, sender.low)
        return message
    }

    /// Who sent the message; nil when it is another.
    static func sender(of bytes: [UInt8]) -> InstanceID? {
        guard bytes.count == Self.length, bytes.starts(with: Self.magic + [Self.version]) else { return nil }
        func integer(at offset: Int) -> UInt64 {
            bytes[offset..<offset + 8].reduce(0) { $0 << 8 | UInt64($1) }
        }
        return InstanceID(high: integer(at: 4), low: integer(at: 12))
    }
}
