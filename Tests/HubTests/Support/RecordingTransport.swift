// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import NIOCore
import Synchronization
import TestSupport

extension Framing {
    /// Each message with its length in front, four bytes, so that ``RecordingTransport`` can take joined frames apart.
    static let counted = Framing { length, frame in
        frame.writeInteger(UInt32(length))
    }
}

/// A connection that goes nowhere: it keeps what was sent, and takes no more than a test lets it.
final class RecordingTransport: Transport {
    /// What the session did with it.
    struct Record: Sendable, CustomStringConvertible {
        /// Messages flushed so far.
        var messages: [JSON.Value] = []
        /// Bytes that may still be written before it is not writable any more.
        var room = Int.max
        var flushes = 0
        var pings = 0
        var resumptions = 0
        /// Every reason given.
        var closings: [CloseReason] = []
        /// How often it was asked whether it is writable.
        var looks = 0
        /// How often it was written to.
        var writes = 0
        var lastHeard = NIODeadline.now()
        /// Bytes that could not be read as counted JSON messages; always empty if the hub is right.
        var garbage: [UInt8] = []
        fileprivate(set) var unflushed = ByteBuffer()

        var description: String {
            self.messages.map { String(decoding: $0.text, as: UTF8.self) }.joined(separator: "\n")
                + " closed: \(self.closings), not flushed: \(self.unflushed.readableBytes) bytes"
        }

        fileprivate mutating func flush() {
            while let length = self.unflushed.readInteger(as: UInt32.self) {
                let bytes = self.unflushed.readBytes(length: Int(length)) ?? []
                if let message = try? JSON.Value.parse(bytes) {
                    self.messages.append(message)
                } else {
                    self.garbage += bytes
                    self.unflushed.clear()
                }
            }
        }
    }

    private let state: Watched<Record>
    private let onFlush = Mutex<(@Sendable (Int) -> Void)?>(nil)
    private let emptied = Mutex<(room: Int, notice: @Sendable () -> Void)?>(nil)

    init() {
        self.state = Watched(Record())
    }

    /// From now on every flush leaves as much room again, as when the kernel takes everything at once.
    /// - Parameter notice: Called within the flush when there was no room before it.
    func empty(at room: Int, notice: @escaping @Sendable () -> Void) {
        self.emptied.withLock { $0 = (room, notice) }
        self.setRoom(room)
    }

    /// - Parameter hook: Called at the end of every flush, on the loop, with the number of bytes that left.
    func onFlush(_ hook: @escaping @Sendable (_ bytes: Int) -> Void) {
        self.onFlush.withLock { $0 = hook }
    }

    var record: Record {
        self.state.value
    }

    /// Returns once the record meets a condition.
    func wait(for what: String, until condition: @escaping @Sendable (Record) -> Bool) async throws {
        try await self.state.wait(for: what, until: condition)
    }

    /// Sets how many more bytes it takes; `Int.max` is all, 0 makes it not writable.
    func setRoom(_ bytes: Int) {
        self.state.change { $0.room = bytes }
    }

    func setLastHeard(_ time: NIODeadline) {
        self.state.change { $0.lastHeard = time }
    }

    // MARK: - Transport

    var isWritable: Bool {
        self.state.change { record in
            record.looks += 1
            return record.room > 0
        }
    }

    func write(_ frames: ByteBuffer) {
        self.state.change { record in
            guard record.closings.isEmpty else { return }
            record.writes += 1
            record.unflushed.writeImmutableBuffer(frames)
            if record.room != .max { record.room = max(0, record.room - frames.readableBytes) }
        }
    }

    func flush() {
        let emptied = self.emptied.withLock { $0 }
        let (bytes, wasFull): (Int, Bool) = self.state.change { record in
            guard record.closings.isEmpty else { return (0, false) }
            record.flushes += 1
            let bytes = record.unflushed.readableBytes
            record.flush()
            guard let emptied else { return (bytes, false) }
            defer { record.room = emptied.room }
            return (bytes, record.room == 0)
        }
        if wasFull { emptied?.notice() }
        self.onFlush.withLock { $0 }?(bytes)
    }

    func ping() {
        self.state.change { $0.pings += 1 }
    }

    var lastHeard: NIODeadline {
        self.state.value.lastHeard
    }

    func resumeReading() {
        self.state.change { $0.resumptions += 1 }
    }

    func close(_ reason: CloseReason) {
        self.state.change { record in
            if record.closings.isEmpty { record.flush() }
            record.closings.append(reason)
        }
    }
}
