// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

extension BusMessage {
    /// Why a message is dropped.
    package enum Malformed: Error, Sendable, Equatable {
        /// Of a node with another protocol version; 0 if it is not a message of a node.
        case version(UInt8)
        /// It is truncated, or the content at this offset is invalid.
        case content(offset: Int)
    }

    /// Decodes the header of a message without the rest.
    package static func header(of bytes: [UInt8]) throws(Malformed) -> Header {
        var cursor = Cursor(bytes: bytes, end: bytes.count)
        return try cursor.header()
    }

    /// Decodes a message with a valid seal; the seal itself is skipped. Memory is allocated for actual content only,
    /// not for announced lengths.
    package init(decoding bytes: [UInt8]) throws(Malformed) {
        guard bytes.count >= Self.headerLength + BusSeal.length else { throw .content(offset: bytes.count) }
        var cursor = Cursor(bytes: bytes, end: bytes.count - BusSeal.length)
        self.init(header: try cursor.header(), commits: [])
        while !cursor.isAtEnd {
            self.commits.append(try cursor.commit())
        }
        guard self.commits.isEmpty || self.header.kind == .commits else { throw .content(offset: Self.headerLength) }
    }

    private struct Cursor {
        let bytes: [UInt8]
        /// End of the content.
        let end: Int
        private var offset = 0

        init(bytes: [UInt8], end: Int) {
            self.bytes = bytes
            self.end = end
        }

        var isAtEnd: Bool {
            self.offset == self.end
        }

        private func fail(at offset: Int) -> Malformed {
            .content(offset: offset)
        }

        mutating func header() throws(Malformed) -> Header {
            guard self.bytes.starts(with: BusMessage.magic) else { throw .version(0) }
            self.offset = BusMessage.magic.count
            let version = try self.integer(UInt8.self)
            guard version == BusMessage.version else { throw .version(version) }
            guard let kind = Kind(rawValue: try self.integer()) else { throw self.fail(at: self.offset - 1) }
            return Header(
                kind: kind,
                sender: InstanceID(high: try self.integer(), low: try self.integer()),
                sent: Timestamp(nanoseconds: try self.integer()),
                counter: try self.integer()
            )
        }

        mutating func commit() throws(Malformed) -> ChannelBatch {
            let start = self.offset
            guard let channel = ChannelName(parsing: try self.text()) else { throw self.fail(at: start) }
            let place = self.offset
            let first = Int(try self.integer(UInt64.self), in: 1...Int.maxSafe)
            let count = Int(clamping: try self.integer(UInt32.self))
            // At most as many entries as fit, and no number above the maximum.
            guard let first, count > 0, count <= (self.end - self.offset) / BusMessage.entryOverhead,
                count <= Int.maxSafe - first + 1
            else { throw self.fail(at: place) }
            var entries: [TapeEntry] = []
            entries.reserveCapacity(count)
            for index in 0..<count {
                entries.append(try self.entry(seq: first + index))
            }
            return ChannelBatch(channel: channel, entries: entries)
        }

        private mutating func entry(seq: Int) throws(Malformed) -> TapeEntry {
            let time = Timestamp(nanoseconds: try self.integer())
            let id = try self.text()
            let slot = try self.text()
            let trace = TraceContext(try self.text())
            let data = try self.take()
            guard data.first == UInt8(ascii: "{"), data.last == UInt8(ascii: "}") else {
                throw self.fail(at: self.offset - data.count)
            }
            return TapeEntry(seq: seq, id: id, time: time, data: Array(data), slot: slot, trace: trace)
        }

        private mutating func text() throws(Malformed) -> String {
            let start = self.offset
            guard let text = String(validating: try self.take(), as: UTF8.self) else { throw self.fail(at: start) }
            return text
        }

        private mutating func take() throws(Malformed) -> ArraySlice<UInt8> {
            let start = self.offset
            let length = Int(clamping: try self.integer(UInt32.self))
            guard length <= self.end - self.offset else { throw self.fail(at: start) }
            defer { self.offset += length }
            return self.bytes[self.offset..<self.offset + length]
        }

        private mutating func integer<Value: FixedWidthInteger>(_: Value.Type = Value.self) throws(Malformed) -> Value {
            let end = self.offset + Value.bitWidth / 8
            guard end <= self.end else { throw self.fail(at: self.offset) }
            var value: Value = 0
            for index in self.offset..<end {
                value = (value << 8) | Value(truncatingIfNeeded: self.bytes[index])
            }
            self.offset = end
            return value
        }
    }
}
