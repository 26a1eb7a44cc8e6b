// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import DequeModule
import NIOCore

/// Publishes over one socket, with several requests under way.
///
/// After the connection was lost the unanswered requests are sent again, with the same ids, to the next node.
final class SocketFeed: Feed, ConnectionReceiver {
    private struct Sent {
        var id: Int
        var events: Range<Int>
        var publications: [[UInt8]]
    }

    /// Requests under way; the hub takes 64 of one connection at a time.
    private static let limit = 60

    private let loop: any EventLoop
    private let connectors: [Connector]
    private let token: String?
    private let patience: TimeAmount
    /// Released by ``Pump/close()``.
    private let pump: Pump
    private var connection: Connection?
    private var unanswered = Deque<Sent>()
    private var nextID = 1
    private var node: Int
    private var isClosed = false
    private var lostAt = NIODeadline.now()
    private var lastFault: String?

    /// The hub takes messages of 64 KiB.
    let requestBytes = 60 << 10

    init(_ target: Target, connectors: [Connector], node: Int, pump: Pump) {
        self.loop = pump.loop
        self.connectors = connectors
        self.token = target.access.publishing
        self.patience = TimeAmount(target.patience)
        self.node = node
        self.pump = pump
        self.connect()
    }

    var hasRoom: Bool { self.connection?.isOpen == true && self.unanswered.count < Self.limit }

    private func connect() {
        guard !self.isClosed else { return }
        self.connection = self.connectors[self.node % self.connectors.count]
            .connect(on: self.loop, token: self.token, receiver: self)
    }

    func send(_ events: Range<Int>, _ publications: [[UInt8]]) {
        self.send(Sent(id: 0, events: events, publications: publications))
    }

    private func send(_ request: Sent) {
        var request = request
        request.id = self.nextID
        self.nextID += 1
        self.unanswered.append(request)
        self.connection?.send(Request.publish(request.publications).encoded(id: request.id))
    }

    func close() {
        self.isClosed = true
        self.connection?.close()
    }

    /// Takes an answered request out. They are answered in order, nearly always.
    private func take(_ id: Int?) -> Sent? {
        guard let index = self.unanswered.firstIndex(where: { $0.id == id }) else { return nil }
        return self.unanswered.remove(at: index)
    }

    // MARK: - From the connection

    func connectionOpened() {
        self.lostAt = .now()
        let again = self.unanswered
        self.unanswered = []
        for request in again { self.send(request) }
        self.pump.progress()
    }

    func connectionReceived(_ text: ByteBuffer) {
        guard let message = try? Message(text) else {
            self.connection?.abandon(.violation("an answer to publishing cannot be read"))
            return
        }
        switch message {
        case .published(let published):
            self.lastFault = nil
            guard let request = self.take(published.id) else { return }
            self.pump.answered(request.events, published.results)
        case .error(let fault):
            self.refused(fault)
        case .welcome, .authenticated, .subscribed, .unsubscribed, .snapshot, .event, .caughtUp, .heartbeat, .history,
            .pong, .goodbye, .unknown:
            break
        }
    }

    private func refused(_ fault: Message.Fault) {
        self.lastFault = "\(fault.message) (\(fault.code))"
        guard let id = fault.id, let request = self.take(id) else { return }
        switch fault.code {
        case "unavailable", "overloaded":
            self.loop.assumeIsolated().scheduleTask(in: .milliseconds(200)) { self.send(request) }
        default:
            let reason = fault.items.first.map { "\(fault.message): \($0)" } ?? fault.message
            self.pump.fail(.unexpected("cannot publish: \(reason) (\(fault.code))"))
        }
    }

    func connectionEnded(_ ending: Ending) {
        self.connection = nil
        guard !self.isClosed else { return }
        guard ending.verdict == .reconnect else {
            return self.pump.fail(.turnedAway(ending, said: self.lastFault))
        }
        guard .now() - self.lostAt < self.patience else { return self.pump.fail(.cannotConnect(ending)) }
        self.node += 1
        self.loop.assumeIsolated().scheduleTask(in: .milliseconds(50)) { self.connect() }
    }
}
