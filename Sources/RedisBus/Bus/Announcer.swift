// SPDX-License-Identifier: Apache-2.0

import DequeModule
import EventLog
import NIOCore
import Synchronization

/// Takes commits from the writer and sends them on its connection, many announcements in one message when they pile up.
///
/// What waits is bounded in bytes; what comes past the bound, or while there is no connection, is dropped: the newest,
/// for what has been sent cannot be taken back and a gap is found by the next number.
final class Announcer: RedisReceiver {
    /// Counted in events, each on each of its channels, except where it says otherwise.
    struct Counts {
        var announced = 0
        var dropped = 0
        var messages = 0
    }

    private struct State {
        var queue = Deque<[Commit]>()
        var bytes = 0
        var isOpen = false
        /// ``drain()`` will come, by itself or once the connection takes more.
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

    /// - Parameter stateChanged: Called on the loop when the way out has opened or closed.
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

    /// Bytes that wait here to be sent.
    var backlog: Int {
        self.state.withLock { $0.bytes }
    }

    /// Hands commits over, from any thread; those of one thread are sent in order.
    func announce(_ commits: [Commit]) {
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

    /// Tells of revocations, past what waits; nobody hears of it while there is no connection.
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

    private static func cost(of commits: [Commit]) -> (bytes: Int, events: Int) {
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

    /// What fills about one message; nil when nothing waits.
    private func take() -> [Commit]? {
        self.state.withLock { state in
            var taken: [Commit] = []
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

    /// How many nodes got a message is nothing to act on.
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
