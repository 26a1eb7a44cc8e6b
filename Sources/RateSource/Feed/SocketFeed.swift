// SPDX-License-Identifier: Apache-2.0

import EventLog
package import Ingest
package import Logging
package import NIOCore
package import WebSocketClient

/// Runs the WebSocket of one exchange as directed by ``FeedMachine``, and delivers its messages.
///
/// Runs on an event loop. Messages are parsed and delivered synchronously, so nothing is queued.
package actor SocketFeed: LoopActor {
    /// Called on the event loop with each message; must not block. Returns its outcome.
    package typealias Take = @Sendable (_ text: [UInt8]) -> RateBook.Verdict

    package nonisolated let loop: any EventLoop
    /// Whether REST is to be polled; only the newest value.
    package nonisolated let wishes: AsyncStream<Bool>
    private let wish: AsyncStream<Bool>.Continuation
    package nonisolated let endpoints: EndpointPool
    private let connectors: [Connector]
    private let clock: SteadyClock
    private let take: Take
    private let logger: Logger
    private var machine: FeedMachine
    private var connections: [Int: Line] = [:]
    private var timer: Scheduled<Void>?
    private var isPolling: Bool?
    private var wasOpen = false
    private var isStopped = false
    private var finished: CheckedContinuation<Void, Never>?

    /// A connection, its endpoint, and whether it received quotes.
    private struct Line {
        var connection: Connection
        var endpoint: Int
        var hasQuoted = false
    }

    /// - Parameter urls: At least one, in order of preference.
    package init(
        _ urls: [WebSocketURL],
        rules: FeedMachine.Rules,
        on loop: any EventLoop,
        clock: SteadyClock,
        logger: Logger,
        take: @escaping Take
    ) throws(Ending) {
        self.connectors = try urls.map { url throws(Ending) in try Connector(to: url) }
        self.endpoints = EndpointPool(urls.map(\.description), rules: .withoutProbes, logger: logger)
        self.machine = FeedMachine(rules: rules)
        self.loop = loop
        self.clock = clock
        self.logger = logger
        self.take = take
        (self.wishes, self.wish) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Maintains connections until the task is cancelled; returns when the last one is closed.
    package func run() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard !Task.isCancelled else { return continuation.resume() }
                self.finished = continuation
                self.perform { $0.started(at: $1) }
            }
        } onCancel: {
            self.execute { $0.stop() }
        }
        self.wish.finish()
    }

    /// REST has answered.
    package func polled(isNews: Bool) {
        self.perform { $0.polled(isNews: isNews, at: $1, chance: .random(in: 0...1)) }
    }

    private func stop() {
        guard !self.isStopped else { return }
        self.isStopped = true
        self.timer?.cancel()
        self.timer = nil
        for action in self.machine.stopped() { self.perform(action) }
        self.finishIfOver()
    }

    private func finishIfOver() {
        guard self.isStopped, self.connections.isEmpty else { return }
        self.finished?.resume()
        self.finished = nil
    }

    // MARK: - State machine

    private func perform(_ event: (inout FeedMachine, Timestamp) -> [FeedMachine.Action]) {
        guard !self.isStopped else { return }
        let actions = event(&self.machine, self.clock.now)
        for action in actions { self.perform(action) }
        self.settle()
    }

    private func perform(_ action: FeedMachine.Action) {
        switch action {
        case .connect(let number):
            self.connect(number)
        case .send(let number, let text):
            self.connections[number]?.connection.send(ByteBuffer(string: text))
        case .close(let number):
            self.connections[number]?.connection.close()
        case .abandon(let number):
            self.connections[number]?.connection.abandon(.silent(milliseconds: 0))
        }
    }

    /// The state machine has waited already. If all endpoints back off, the one that is available first is used.
    private func connect(_ number: Int) {
        let endpoint =
            switch self.endpoints.choose() {
            case .ask(let index), .wait(_, for: let index): index
            }
        guard self.connectors.indices.contains(endpoint) else { return }
        let receiver = Receiver(feed: self, number: number)
        let connection = self.connectors[endpoint].connect(on: self.loop, token: nil, receiver: receiver)
        self.connections[number] = Line(connection: connection, endpoint: endpoint)
    }

    /// Applies the current state.
    private func settle() {
        guard !self.isStopped else { return }
        let now = self.clock.now
        if self.machine.isOpen != self.wasOpen {
            self.wasOpen = self.machine.isOpen
            self.logger.info(self.wasOpen ? "quotes arrive over the WebSocket" : "no quotes arrive over the WebSocket")
        }
        let isPolling = self.machine.isPolling(at: now)
        if isPolling != self.isPolling {
            self.isPolling = isPolling
            self.wish.yield(isPolling)
        }
        self.timer?.cancel()
        self.timer = nil
        let times = [self.machine.deadline, isPolling ? nil : self.machine.pollingBegins].compactMap(\.self)
        guard let next = times.min() else { return }
        let delay = TimeAmount(max(.milliseconds(1), next.duration(since: now)))
        self.timer = self.loop.scheduleTask(in: delay) {
            self.assumeIsolated { feed in
                feed.perform { $0.passed(at: $1, chance: .random(in: 0...1)) }
            }
        }
    }

    // MARK: - Callbacks

    private func opened(_ number: Int) {
        self.perform { $0.opened(number, at: $1) }
    }

    private func received(_ number: Int, _ text: ByteBuffer) {
        guard !self.isStopped else { return }
        let verdict = self.take(Array(text.readableBytesView))
        if verdict.quotes > 0, let line = self.connections[number], !line.hasQuoted {
            self.connections[number]?.hasQuoted = true
            self.endpoints.succeeded(line.endpoint)
        }
        self.perform {
            $0.received(number, isQuote: verdict.quotes > 0, isLeaving: verdict.isLeaving, at: $1)
        }
    }

    private func ended(_ number: Int, _ ending: Ending) {
        let line = self.connections.removeValue(forKey: number)
        let reason = self.endpoints.redact("\(ending)")
        self.logger.debug("a WebSocket was closed", metadata: ["reason": "\(reason)"])
        var retryAfter: Duration?
        if case .refused(let status, _, let seconds) = ending {
            // 418 is sent to clients that ignore a 429.
            retryAfter = seconds.map { .seconds(min(max(0, $0), 86_400)) }
            if retryAfter == nil, status == 429 || status == 418 { retryAfter = .seconds(60) }
        }
        if let line, !self.isStopped { self.judge(line, ending) }
        self.perform { $0.ended(number, retryAfter: retryAfter, at: $1, chance: .random(in: 0...1)) }
        self.finishIfOver()
    }

    /// Records the outcome of a connection with its endpoint. A connection that received quotes and closes normally is
    /// no failure: exchanges close connections periodically.
    private func judge(_ line: Line, _ ending: Ending) {
        switch ending {
        case .refused(let status, let reason, _):
            self.endpoints.failed(line.endpoint, EndpointTrouble(status: status), "it answered \(status) \(reason)")
        case .closed where line.hasQuoted: break
        case .unreachable, .timedOut, .silent, .closed: self.endpoints.failed(line.endpoint, .unreachable, "\(ending)")
        default: self.endpoints.failed(line.endpoint, .failing, "\(ending)")
        }
    }

    /// Callbacks of one connection.
    private final class Receiver: ConnectionReceiver {
        private let feed: SocketFeed
        private let number: Int

        init(feed: SocketFeed, number: Int) {
            self.feed = feed
            self.number = number
        }

        func connectionOpened() {
            self.feed.assumeIsolated { [number] in $0.opened(number) }
        }

        func connectionReceived(_ text: ByteBuffer) {
            self.feed.assumeIsolated { [number] in $0.received(number, text) }
        }

        func connectionEnded(_ ending: Ending) {
            self.feed.assumeIsolated { [number] in $0.ended(number, ending) }
        }
    }
}
