// SPDX-License-Identifier: Apache-2.0

import DequeModule
import EventLog
import NIOCore
import Synchronization

/// Sends commits of the writer on its connection, batched into one message when several are queued.
///
/// The queue is bounded in bytes. Commits above the bound, or without a connection, are dropped: the newest ones,
/// because receivers detect the gap by the next number.
final class Announcer: RedisReceiver {
    /// Counts events, once per channel, unless noted otherwise.
    struct Counts {
        var announced = 0
        var dropped = 0
        var messages = 0
    }

    private struct State {
        var queue = Deque<[ChannelBatch]>()
        var bytes = 0
        var isOpen = false
        /// ``drain()`` is scheduled, or will be called when the connection becomes writable.
        var isDrainAhead = false
        var counts = Counts()
    }

    private let loop: any EventLoop
    private let channel: String
    private let sender: InstanceID
    private let seal: BusSeal
    /// The number of the last message.
    private let counter: NIOLoopBoundBox<UInt64>
    private let options: RedisOptions
    private let state = Mutex(State())
    private let connection: NIOLoopBoundBox<RedisConnection?>
    private let stateChanged: @Sendable (Bool) -> Void

    /// - Parameter stateChanged: Called on the loop when the connection opens or closes.
    init(
        loop: any EventLoop,
        channel: String,
        sender: InstanceID,
        seal: BusSeal,
        options: RedisOptions,
        stateChanged: @escaping @Sendable (Bool) -> Void
    ) {
        self.loop = loop
        self.channel = channel
        self.sender = sender
        self.seal = seal
        self.counter = .makeBoxSendingValue(0, eventLoop: loop)
        self.options = options
        self.connection = .makeEmptyBox(valueType: RedisConnection.self, eventLoop: loop)
        self.stateChanged = stateChanged
    }

    var counts: Counts {
        self.state.withLock { $0.counts }
    }

    /// Bytes queued to be sent.
    var backlog: Int {
        self.state.withLock { $0.bytes }
    }

    /// Queues commits, from any thread; those of one thread are sent in order.
    func announce(_ commits: [ChannelBatch]) {
        let (bytes, events) = Self.cost(of: commits)
        guard events > 0 else { return }
        let mustDrain = self.state.withLock { state in
            state.counts.announced += events
            guard state.isOpen, state.bytes + bytes <= self.options.outgoingBytes else {
                state.counts.dropped += events
                return false
            }
            state.queue.append(commits)
            state.bytes += bytes
            defer { state.isDrainAhead = true }
            return !state.isDrainAhead
        }
        if mustDrain { self.loop.execute { self.drain() } }
    }

    /// Announces that revocations have changed, ahead of the queue; dropped without a connection.
    func announceRevocations() {
        self.loop.execute {
            guard let connection = self.connection.value else { return }
            self.send(BusMessage.plain(.revocations, from: self.sender), on: connection)
            connection.flush()
        }
    }

    private func send(_ message: ByteBuffer, on connection: RedisConnection) {
        var message = message
        self.counter.value += 1
        BusMessage.finish(&message, counter: self.counter.value, sent: .now, with: self.seal)
        connection.send(RedisCommand.format(["PUBLISH", self.channel], payload: message))
    }

    private static func cost(of commits: [ChannelBatch]) -> (bytes: Int, events: Int) {
        var (bytes, events) = (0, 0)
        for commit in commits {
            events += commit.entries.count
            for entry in commit.entries { bytes += entry.cost }
        }
        return (bytes, events)
    }

    private func drain() {
        guard let connection = self.connection.value else { return }
        while connection.isWritable, let commits = self.take() {
            let messages = BusMessage.encode(commits, from: self.sender, limit: self.options.messageBytes)
            for message in messages { self.send(message, on: connection) }
            self.state.withLock { $0.counts.messages += messages.count }
            connection.flush()
        }
    }

    /// Dequeues commits for about one message; nil if the queue is empty.
    private func take() -> [ChannelBatch]? {
        self.state.withLock { state in
            var taken: [ChannelBatch] = []
            var bytes = 0
            while bytes < self.options.messageBytes, let next = state.queue.popFirst() {
                bytes += Self.cost(of: next).bytes
                taken += next
            }
            state.bytes -= bytes
            guard !taken.isEmpty else {
                state.isDrainAhead = false
                return nil
            }
            return taken
        }
    }

    func opened(_ connection: RedisConnection) {
        self.connection.value = connection
        self.state.withLock { state in
            state.isOpen = true
            state.isDrainAhead = false
        }
        self.stateChanged(true)
    }

    /// Does nothing: the number of receivers of a message is not used.
    func received(_ value: RedisValue, from connection: RedisConnection) {}

    func becameWritable(_ connection: RedisConnection) {
        self.drain()
    }

    func ended(_ ending: RedisEnding) {
        self.connection.value = nil
        self.state.withLock { state in
            state.isOpen = false
            for commits in state.queue { state.counts.dropped += Self.cost(of: commits).events }
            state.queue.removeAll()
            state.bytes = 0
        }
        self.stateChanged(false)
    }
}
