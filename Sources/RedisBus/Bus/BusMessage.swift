// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import NIOCore

/// A message between nodes over Redis.
///
/// The format is binary: events are already encoded as JSON and would have to be escaped or scanned within JSON, while
/// binary encoding is copying. Integers are big-endian; `text` is a `UInt32` length followed by UTF-8 bytes:
///
///     "btc" version:UInt8 kind:UInt8 instance:2×UInt64 sent in ns:Int64 counter:UInt64
///     of kind 1, per commit:  channel:text  first seq:UInt64  count:UInt32
///       per entry: time in ns:Int64  id:text  slot:text  traceparent:text  length:UInt32  data
///     HMAC-SHA-256 of all of it: 32 bytes, see ``BusSeal``
///
/// Numbers within a commit are consecutive by construction. Each instance numbers its messages from 1. A message of
/// kind 0 has no content, number or seal.
package struct BusMessage: Sendable, Equatable {
    package enum Kind: UInt8, Sendable {
        /// Checks that Redis accepts messages; receivers ignore it.
        case hello = 0
        case commits = 1
        /// Revocations have changed; receivers read them from the database.
        case revocations = 2
    }

    /// The header of a message.
    package struct Header: Sendable, Equatable {
        package var kind: Kind
        package var sender: InstanceID
        package var sent: Timestamp
        package var counter: UInt64
    }

    static let magic: [UInt8] = Array("btc".utf8)
    package static let version: UInt8 = 3
    static let headerLength = 37
    /// Offsets of ``Header/sent`` and ``Header/counter``.
    private static let sentOffset = 21
    static let entryOverhead = 24

    package var header: Header
    package var commits: [ChannelBatch]

    /// Encodes commits as messages of at most `limit` bytes; only a single event that does not fit exceeds it. Call
    /// ``finish(_:counter:sent:with:)`` on each.
    package static func encode(_ commits: [ChannelBatch], from sender: InstanceID, limit: Int) -> [ByteBuffer] {
        var encoder = Encoder(sender: sender, limit: limit - BusSeal.length)
        for commit in commits {
            encoder.add(commit)
        }
        return encoder.finish()
    }

    /// A message without commits.
    package static func plain(_ kind: Kind, from sender: InstanceID) -> ByteBuffer {
        var message = ByteBuffer()
        Self.writeHeader(kind, sender, to: &message)
        return message
    }

    fileprivate static func writeHeader(_ kind: Kind, _ sender: InstanceID, to message: inout ByteBuffer) {
        message.writeBytes(Self.magic)
        message.writeMultipleIntegers(Self.version, kind.rawValue, sender.high, sender.low, Int64(0), UInt64(0))
    }

    /// Sets the time and number of a message, and seals it.
    package static func finish(_ message: inout ByteBuffer, counter: UInt64, sent: Timestamp, with seal: BusSeal) {
        message.setInteger(sent.nanoseconds, at: message.readerIndex + Self.sentOffset)
        message.setInteger(counter, at: message.readerIndex + Self.sentOffset + 8)
        seal.seal(&message)
    }

    private struct Encoder {
        let sender: InstanceID
        let limit: Int
        private var messages: [ByteBuffer] = []
        private var present = ByteBuffer()
        /// Offset of the count of the commit being written.
        private var countIndex: Int?
        private var count: UInt32 = 0

        init(sender: InstanceID, limit: Int) {
            self.sender = sender
            self.limit = limit
        }

        mutating func add(_ commit: ChannelBatch) {
            let nameLength = commit.channel.description.utf8.count
            var last: Int?
            for entry in commit.entries {
                let texts = entry.id.utf8.count + entry.slot.utf8.count + (entry.trace?.traceparent.utf8.count ?? 0)
                let size = BusMessage.entryOverhead + texts + entry.data.count
                let mustSplit = self.present.readableBytes + size + nameLength + 16 > self.limit
                if mustSplit { self.finishMessage() }
                if self.countIndex == nil || last.map({ $0 + 1 != entry.seq }) ?? true {
                    self.begin(commit.channel, nameLength, first: entry.seq, expecting: size)
                }
                self.write(entry)
                last = entry.seq
            }
            self.finishCommit()
        }

        mutating func finish() -> [ByteBuffer] {
            self.finishMessage()
            return self.messages
        }

        private mutating func begin(_ channel: ChannelName, _ nameLength: Int, first: Int, expecting size: Int) {
            self.finishCommit()
            if self.present.readableBytes == 0 {
                self.present.reserveCapacity(minimumWritableBytes: nameLength + size + 128)
                BusMessage.writeHeader(.commits, self.sender, to: &self.present)
            }
            self.present.writeInteger(UInt32(truncatingIfNeeded: nameLength))
            self.present.writeString(channel.description)
            self.present.writeInteger(UInt64(truncatingIfNeeded: first))
            self.countIndex = self.present.writerIndex
            self.present.writeInteger(UInt32(0))
        }

        private mutating func write(_ entry: TapeEntry) {
            self.present.writeMultipleIntegers(
                entry.time.nanoseconds,
                UInt32(truncatingIfNeeded: entry.id.utf8.count)
            )
            self.present.writeString(entry.id)
            self.present.writeInteger(UInt32(truncatingIfNeeded: entry.slot.utf8.count))
            self.present.writeString(entry.slot)
            let trace = entry.trace?.traceparent ?? ""
            self.present.writeInteger(UInt32(truncatingIfNeeded: trace.utf8.count))
            self.present.writeString(trace)
            self.present.writeInteger(UInt32(truncatingIfNeeded: entry.data.count))
            self.present.writeBytes(entry.data)
            self.count += 1
        }

        private mutating func finishCommit() {
            guard let index = self.countIndex else { return }
            self.present.setInteger(self.count, at: index)
            self.countIndex = nil
            self.count = 0
        }

        private mutating func finishMessage() {
            self.finishCommit()
            guard self.present.readableBytes > 0 else { return }
            self.messages.append(self.present)
            self.present = ByteBuffer()
        }
    }
}

/// Identifies one bus among those on the same Redis channel: 128 random bits.
package struct InstanceID: Sendable, Hashable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func random() -> InstanceID {
        InstanceID(high: .random(in: 0 ... .max), low: .random(in: 0 ... .max))
    }
}
