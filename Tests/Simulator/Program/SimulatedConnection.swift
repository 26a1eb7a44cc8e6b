// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import DequeModule
import EventLog
import Hub
import NIOCore
import WebSocketClient

/// One connection between a client and a node's session: what is written waits until the network takes it, and the
/// network takes no more than the client reads.
final class SimulatedConnection: Transport, @unchecked Sendable {
    private enum Part {
        /// A message, and when the hub wrote it.
        case message([UInt8], written: Int64)
        case close(code: UInt16, reason: String)

        var size: Int {
            if case .message(let bytes, _) = self { bytes.count } else { 8 }
        }
    }

    /// Bytes that the network holds for a client that does not read.
    private let networkBytes: Int
    /// Bytes not yet taken by the network above which the connection is not writable.
    private let highWater: Int
    let node: Node
    private let client: SimulatedClient
    private let cluster: Cluster
    private var random: SeededRandom
    var loop: SimulatedLoop?
    private var session: Session?
    /// Written, and not flushed.
    private var buffer = ByteBuffer()
    private var waiting = Deque<Part>()
    private var waitingBytes = 0
    private var wasFull = false
    /// Pages written since it is not writable: those that were being read.
    private var excess = 0
    private var onTheWay = 0
    private var arrived = Deque<Part>()
    private var lastArrival: (toClient: Int64, toHub: Int64) = (0, 0)
    private var received = Deque<[UInt8]>()
    private var isClosing = false
    private(set) var isOver = false
    private(set) var lastHeard = NIODeadline.now()

    init(from client: SimulatedClient, to node: Node, cluster: Cluster, random: SeededRandom) {
        self.client = client
        self.node = node
        self.cluster = cluster
        self.random = random
        self.networkBytes = self.random.one(of: [256, 2_048, 65_536])
        self.highWater = self.random.one(of: [512, 4_096, 65_536])
    }

    private func delay() -> Duration { self.random.time(self.cluster.networkDelay) }

    /// Messages keep their order.
    private func arrival(after last: Int64) -> Int64 {
        max(Simulation.current.now + self.delay().nanoseconds, last + 1)
    }

    // MARK: - On the node's loop

    func opened(_ session: Session) {
        guard !self.isOver else { return }
        self.session = session
        self.lastHeard = .now()
        Simulation.current.after(self.delay()) { self.client.opened(self) }
        session.assumeIsolated { $0.opened(token: self.client.token, now: .now) }
    }

    func refuse() {
        self.isOver = true
        Simulation.current.after(self.delay()) {
            self.client.ended(self, .refused(status: 503, reason: "", retryAfter: nil))
        }
    }

    var isWritable: Bool {
        self.buffer.readableBytes + self.waitingBytes < self.highWater
    }

    func write(_ frames: ByteBuffer) {
        guard !self.isOver, !self.isClosing else { return }
        if !self.isWritable, Self.beginsWithEvent(frames) {
            self.excess += 1
            if self.excess > self.cluster.scenario.hub.shard.readsPerMember {
                Simulation.current.fail("node \(self.node.index) writes events to a connection that is not writable")
            }
        }
        self.buffer.writeImmutableBuffer(frames)
        self.wasFull = self.wasFull || !self.isWritable
    }

    /// Of a channel that delivers every event; others may have several slots, which are written together.
    private static func beginsWithEvent(_ frames: ByteBuffer) -> Bool {
        let bytes = frames.readableBytesView.dropFirst(4)
        return ["feed", "note"].contains { bytes.starts(with: "{\"op\":\"event\",\"channel\":\"\($0):".utf8) }
    }

    func flush() {
        while let length = self.buffer.readInteger(as: UInt32.self) {
            let bytes = self.buffer.readBytes(length: Int(length)) ?? []
            if self.cluster.scenario.losesMessages, self.random.happens(0.02) { continue }
            self.waiting.append(.message(bytes, written: Simulation.current.now))
            self.waitingBytes += bytes.count
        }
        self.pump()
    }

    /// Gives the network what it takes.
    private func pump() {
        while let part = self.waiting.first, self.onTheWay == 0 || self.onTheWay + part.size <= self.networkBytes {
            self.waiting.removeFirst()
            if case .message(let bytes, _) = part { self.waitingBytes -= bytes.count }
            self.onTheWay += part.size
            self.lastArrival.toClient = self.arrival(after: self.lastArrival.toClient)
            Simulation.current.at(self.lastArrival.toClient) {
                guard !self.isOver else { return }
                self.arrived.append(part)
                self.client.readable(self)
            }
        }
        guard self.wasFull, self.isWritable, let session = self.session else { return }
        self.wasFull = false
        self.excess = 0
        session.assumeIsolated { $0.becameWritable() }
        self.resumeReading()
    }

    func ping() {
        guard !self.isOver, !self.isClosing else { return }
        // The client's side answers by itself while it reads.
        Simulation.current.after(self.delay()) {
            guard !self.client.isAsleep else { return }
            self.sendToHub(nil)
        }
    }

    func resumeReading() {
        guard let session = self.session else { return }
        session.assumeIsolated { session in
            while !session.isEnded, session.takesMessages, self.isWritable, let message = self.received.popFirst() {
                session.received(message)
            }
        }
    }

    func close(_ reason: CloseReason) {
        guard !self.isOver, !self.isClosing else { return }
        self.flush()
        self.isClosing = true
        self.waiting.append(.close(code: reason.code, reason: reason.text))
        self.pump()
        Simulation.current.after(.seconds(2), on: self.loop?.queue) { self.cut() }
        self.session?.assumeIsolated { $0.ended(code: reason.code) }
    }

    // MARK: - The client's side

    /// The client reads one message, if there is one.
    func read() {
        guard !self.isOver, let part = self.arrived.popFirst() else { return }
        self.onTheWay -= part.size
        Simulation.current.after(self.delay(), on: self.loop?.queue) { if !self.isOver { self.pump() } }
        switch part {
        case .message(let bytes, let written):
            self.client.received(bytes, written: written, over: self)
        case .close(let code, let reason):
            self.isOver = true
            self.client.ended(self, .closed(code: code, reason: reason))
        }
    }

    var hasArrived: Bool { !self.arrived.isEmpty }

    /// - Parameter message: Nil for what only shows that the client is alive.
    func sendToHub(_ message: [UInt8]?) {
        guard !self.isOver else { return }
        self.lastArrival.toHub = self.arrival(after: self.lastArrival.toHub)
        Simulation.current.at(self.lastArrival.toHub, on: self.loop?.queue) {
            guard !self.isOver, !self.isClosing else { return }
            self.lastHeard = .now()
            guard let message else { return }
            self.received.append(message)
            self.resumeReading()
        }
    }

    /// The client closes, or does not listen any more.
    func abandon() {
        guard !self.isOver else { return }
        self.isOver = true
        Simulation.current.after(self.delay(), on: self.loop?.queue) { self.session?.assumeIsolated { $0.ended() } }
    }

    // MARK: - Failures

    /// The connection breaks. Each side notices for itself, some only by silence.
    func cut() {
        guard !self.isOver else { return }
        self.isOver = true
        let hub = self.random.happens(0.7) ? self.random.time(0...0.1) : self.random.time(0...8)
        Simulation.current.after(hub, on: self.loop?.queue) { self.session?.assumeIsolated { $0.ended() } }
        self.notifyClient()
    }

    func nodeIsGone() {
        guard !self.isOver else { return }
        self.isOver = true
        self.notifyClient()
    }

    private func notifyClient() {
        guard self.random.happens(0.7) else { return }
        Simulation.current.after(self.delay()) { self.client.ended(self, .closed(code: 1006, reason: "")) }
    }
}

extension Framing {
    /// Each message with its length in front, four bytes.
    static let counted = Framing { length, frame in frame.writeInteger(UInt32(clamping: length)) }
}
