// SPDX-License-Identifier: Apache-2.0

package import Client
import Hub
package import Logging
package import NIOCore

/// Keeps the WebSocket of one exchange, as ``FeedMachine`` says, and hands over what comes.
///
/// Lives on an event loop; messages are read and handed over there and then, so nothing waits anywhere.
package actor SocketFeed {
    /// Where the socket is.
    package struct Address: Sendable, Equatable {
        let server: HubAddress
        let target: String

        /// Reads a URL with the scheme `ws` or `wss`.
        package init(_ text: String) throws(HubAddress.Invalid) {
            let start = text.firstRange(of: "://").map(\.upperBound) ?? text.startIndex
            let slash = text[start...].firstIndex { $0 == "/" || $0 == "?" } ?? text.endIndex
            self.server = try HubAddress(String(text[..<slash]))
            let rest = text[slash...]
            self.target = rest.isEmpty ? "/" : rest.hasPrefix("?") ? "/" + rest : String(rest)
        }
    }

    /// Called on the loop with what came; must not block. Says what it was worth.
    package typealias Take = @Sendable (_ text: [UInt8]) -> Desk.Verdict

    package nonisolated let loop: any EventLoop
    /// Whether REST is to be asked; the newest wish only.
    package nonisolated let wishes: AsyncStream<Bool>
    private let wish: AsyncStream<Bool>.Continuation
    private let connector: Connector
    private let clock: SteadyClock
    private let take: Take
    private let logger: Logger
    private var machine: FeedMachine
    private var connections: [Int: Connection] = [:]
    private var timer: Scheduled<Void>?
    private var isPolling: Bool?
    private var wasOpen = false
    private var isStopped = false
    private var finished: CheckedContinuation<Void, Never>?

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe self.loop.executor.asUnownedSerialExecutor()
    }

    package init(
        _ address: Address,
        rules: FeedMachine.Rules,
        on loop: any EventLoop,
        clock: SteadyClock,
        logger: Logger,
        take: @escaping Take
    ) throws(Ending) {
        var connector = try Connector(to: address.server)
        connector.target = address.target
        connector.subprotocols = []
        self.connector = connector
        self.machine = FeedMachine(rules: rules)
        self.loop = loop
        self.clock = clock
        self.logger = logger
        self.take = take
        (self.wishes, self.wish) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Keeps connections until the task is cancelled; returns when the last one has ended.
    package func run() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard !Task.isCancelled else { return continuation.resume() }
                self.finished = continuation
                self.perform { $0.started(at: $1) }
            }
        } onCancel: {
            self.loop.execute { self.assumeIsolated { $0.stop() } }
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

    // MARK: - The machine

    private func perform(_ event: (inout FeedMachine, Timestamp) -> [FeedMachine.Action]) {
        guard !self.isStopped else { return }
        let actions = event(&self.machine, self.clock.now)
        for action in actions { self.perform(action) }
        self.settle()
    }

    private func perform(_ action: FeedMachine.Action) {
        switch action {
        case .connect(let number):
            let receiver = Receiver(feed: self, number: number)
            self.connections[number] = self.connector.connect(on: self.loop, token: nil, receiver: receiver)
        case .send(let number, let text):
            self.connections[number]?.send(ByteBuffer(string: text))
        case .close(let number):
            self.connections[number]?.close()
        case .abandon(let number):
            self.connections[number]?.abandon(.silent(milliseconds: 0))
        }
    }

    /// What follows from where the machine stands now.
    private func settle() {
        guard !self.isStopped else { return }
        let now = self.clock.now
        if self.machine.isOpen != self.wasOpen {
            self.wasOpen = self.machine.isOpen
            self.logger.info(self.wasOpen ? "quotes come over the WebSocket" : "no quotes come over the WebSocket")
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

    // MARK: - From below

    private func opened(_ number: Int) {
        self.perform { $0.opened(number, at: $1) }
    }

    private func received(_ number: Int, _ text: ByteBuffer) {
        guard !self.isStopped else { return }
        let verdict = self.take(Array(text.readableBytesView))
        self.perform {
            $0.received(number, isQuote: verdict.quotes > 0, isLeaving: verdict.isLeaving, at: $1)
        }
    }

    private func ended(_ number: Int, _ ending: Ending) {
        self.connections[number] = nil
        self.logger.debug("a WebSocket has ended", metadata: ["reason": "\(ending)"])
        var retryAfter: Duration?
        if case .refused(let status, _, let seconds) = ending {
            // 418 is what comes of going on after a 429.
            retryAfter = seconds.map { .seconds(min(max(0, $0), 86_400)) }
            if retryAfter == nil, status == 429 || status == 418 { retryAfter = .seconds(60) }
        }
        self.perform { $0.ended(number, retryAfter: retryAfter, at: $1, chance: .random(in: 0...1)) }
        self.finishIfOver()
    }

    /// Who hears of one connection.
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
