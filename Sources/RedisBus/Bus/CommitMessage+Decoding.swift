// SPDX-License-Identifier: Apache-2.0

import Hub
import JSON

extension CommitMessage {
    /// Why a message is dropped.
    package enum Malformed: Error, Sendable, Equatable {
        /// Of a node that speaks another version; 0 when it is none of our messages.
        case version(UInt8)
        /// It ends too early, or what stands at this offset cannot be.
        case content(offset: Int)
    }

    /// Who sent a message, without reading the rest.
    package static func sender(of bytes: [UInt8]) throws(Malformed) -> InstanceID {
        var cursor = Cursor(bytes: bytes)
        return try cursor.header()
    }

    /// Reads a message. Nothing is allocated by what it announces, only by what it has.
    package init(decoding bytes: [UInt8]) throws(Malformed) {
        var cursor = Cursor(bytes: bytes)
        self.init(sender: try cursor.header(), commits: [])
        while !cursor.isAtEnd {
            self.commits.append(try cursor.commit())
        }
    }

    private struct Cursor {
        let bytes: [UInt8]
        private var offset = 0

        init(bytes: [UInt8]) {
            self.bytes = bytes
        }

        var isAtEnd: Bool {
            self.offset == self.bytes.count
        }

        private func fail(at offset: Int) -> Malformed {
            .content(offset: offset)
        }

        mutating func header() throws(Malformed) -> InstanceID {
            guard self.bytes.starts(with: CommitMessage.magic) else { throw .version(0) }
            self.offset = CommitMessage.magic.count
            let version = try self.integer(UInt8.self)
            guard version == CommitMessage.version else { throw .version(version) }
            return InstanceID(high: try self.integer(), low: try self.integer())
        }

        mutating func commit() throws(Malformed) -> Commit {
            let start = self.offset
            guard let channel = ChannelName(parsing: try self.text()) else { throw self.fail(at: start) }
            let place = self.offset
            let first = Int(try self.integer(UInt64.self), in: 1...Int.maxSafe)
            let count = Int(try self.integer(UInt32.self))
            // As many as could be there, and no number beyond the last one there is.
            guard let first, count > 0, count <= (self.bytes.count - self.offset) / CommitMessage.entryOverhead,
                count <= Int.maxSafe - first + 1
            else { throw self.fail(at: place) }
            var entries: [TapeEntry] = []
            entries.reserveCapacity(count)
            for index in 0..<count {
                entries.append(try self.entry(seq: first + index))
            }
            return Commit(channel: channel, entries: entries)
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
            let length = Int(try self.integer(UInt32.self))
            guard length <= self.bytes.count - self.offset else { throw self.fail(at: start) }
            defer { self.offset += length }
            return self.bytes[self.offset..<self.offset + length]
        }

        private mutating func integer<Value: FixedWidthInteger>(_: Value.Type = Value.self) throws(Malformed) -> Value {
            let end = self.offset + Value.bitWidth / 8
            guard end <= self.bytes.count else { throw self.fail(at: self.offset) }
            var value: Value = 0
            for index in self.offset..<end {
                value = (value << 8) | Value(truncatingIfNeeded: self.bytes[index])
            }
            self.offset = end
            return value
        }
    }
}
