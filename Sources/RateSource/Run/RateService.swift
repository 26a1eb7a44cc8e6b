// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
package import EventLog
import Ingest
package import Logging
package import NIOCore
import Synchronization
package import WebSocketClient

/// The rates of all configured exchanges for the lifetime of the process; run by one cluster node at a time.
package final class RateService: Sendable {
    private static let name = "rates"
    /// Interval at which a standby node reads the state of the exchanges.
    private static let look: Duration = .seconds(1)

    private let exchanges: [Exchange]
    private let addresses: [[WebSocketURL]]
    private let store: any SourceStore
    private let client: HTTPClient
    private let group: any EventLoopGroup
    private let logger: Logger
    private let makeSink: @Sendable () -> any SourceSink
    private let report: @Sendable (SourceReport) -> Void
    private let withdraw: @Sendable (String) -> Void
    private let isLeading = Atomic<Bool>(false)

    /// - Parameters:
    /// - exchanges: In order of preference.
    /// - store: The store through which the cluster nodes take turns.
    /// - client: Owned and shut down by the caller.
    /// - makeSink: Called each time this node takes over.
    /// - report: Called with the state of an exchange, about once per second.
    ///   - withdraw: Called with the source of an exchange when this node no longer runs it.
    package init(
        _ exchanges: [Exchange],
        store: any SourceStore,
        client: HTTPClient,
        on group: any EventLoopGroup,
        logger: Logger,
        makeSink: @escaping @Sendable () -> any SourceSink,
        report: @escaping @Sendable (SourceReport) -> Void,
        withdraw: @escaping @Sendable (String) -> Void
    ) throws(WebSocketURL.Invalid) {
        self.exchanges = exchanges
        self.addresses = try exchanges.map { exchange throws(WebSocketURL.Invalid) in
            try exchange.webSockets.map { text throws(WebSocketURL.Invalid) in try WebSocketURL(text) }
        }
        self.store = store
        self.client = client
        self.group = group
        self.logger = logger
        self.makeSink = makeSink
        self.report = report
        self.withdraw = withdraw
    }

    /// Runs until the task is cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.takePart() }
            group.addTask { await self.lookOn() }
        }
    }

    /// Reports stale exchanges to the subscribers of this node while another node runs the source.
    private func lookOn() async {
        var stale: Set<String> = []
        while (try? await Task.sleep(for: Self.look)) != nil {
            guard !self.isLeading.load(ordering: .relaxed) else {
                stale = []
                continue
            }
            for exchange in self.exchanges {
                // While the store cannot be read, nothing is known to have changed.
                guard let state = try? await self.store.state(of: exchange.source, prefix: StaleMarker.name),
                    !self.isLeading.load(ordering: .relaxed)
                else { continue }
                if StaleMarker.isStale(state.entries) {
                    stale.insert(exchange.source)
                    self.report(SourceReport(name: exchange.source, types: ["rateChange"], state: .stale))
                } else if stale.remove(exchange.source) != nil {
                    self.withdraw(exchange.source)
                }
            }
        }
    }

    private func takePart() async {
        var backoff = Backoff(.milliseconds(100) ... .seconds(5))
        while !Task.isCancelled {
            do throws(TapeFault) {
                try await self.store.withLeadership(Self.name) { await self.lead() }
                backoff.reset()
            } catch {
                self.logger.notice("this node cannot run the rate source now", metadata: ["fault": "\(error)"])
            }
            await backoff.wait()
        }
    }

    private func lead() async {
        self.isLeading.store(true, ordering: .relaxed)
        defer { self.isLeading.store(false, ordering: .relaxed) }
        let clock = SteadyClock()
        let desk = SharedRateBook(self.exchanges, clock: clock)
        let feeds = self.exchanges.indices.map { self.feeds(of: $0, desk, clock) }
        let publisher = RatePublisher(
            exchanges: self.exchanges,
            desk: desk,
            sink: self.makeSink(),
            endpoints: { feeds[$0].endpoints },
            tellBoard: self.report,
            logger: self.logger
        )
        for exchange in self.exchanges { self.withdraw(exchange.source) }
        self.logger.info("running the rate source", metadata: ["exchanges": "\(self.exchanges.map(\.name))"])
        await withTaskGroup(of: Void.self) { group in
            for feeds in feeds { group.addTask { await feeds.run() } }
            await publisher.run()
            group.cancelAll()
        }
        for exchange in self.exchanges { self.withdraw(exchange.source) }
        self.logger.info("no longer running the rate source")
    }

    /// WebSocket and REST feed of one exchange.
    private struct Feeds: Sendable {
        let socket: SocketFeed?
        let rest: RESTFeed?

        var endpoints: [EndpointReport] {
            (self.socket?.endpoints.reports ?? []) + (self.rest?.endpoints.reports ?? [])
        }

        /// Runs until the task is cancelled.
        func run() async {
            await withDiscardingTaskGroup { group in
                if let socket { group.addTask { await socket.run() } }
                guard let rest else { return }
                group.addTask {
                    if let socket { await rest.run(while: socket.wishes) } else { await rest.run() }
                }
            }
        }
    }

    private func feeds(of house: Int, _ desk: SharedRateBook, _ clock: SteadyClock) -> Feeds {
        let exchange = self.exchanges[house]
        var logger = self.logger
        logger[metadataKey: "exchange"] = "\(exchange.name)"
        let socket = self.socket(house, desk, clock, logger)
        guard !exchange.rests.isEmpty else { return Feeds(socket: socket, rest: nil) }
        let rest = RESTFeed(exchange, client: self.client, clock: clock, logger: logger) { incoming, asked in
            let verdict = desk.received(incoming, from: house, asked: asked)
            await socket?.polled(isNews: verdict.news > 0)
        }
        return Feeds(socket: socket, rest: rest)
    }

    private func socket(_ house: Int, _ desk: SharedRateBook, _ clock: SteadyClock, _ logger: Logger) -> SocketFeed? {
        guard !self.addresses[house].isEmpty else { return nil }
        do throws(Ending) {
            let dialect = self.exchanges[house].dialect
            return try SocketFeed(
                self.addresses[house],
                rules: FeedMachine.Rules(self.exchanges[house]),
                on: self.group.next(),
                clock: clock,
                logger: logger
            ) { text in
                desk.received(dialect.read(text), from: house)
            }
        } catch {
            logger.error("rates are polled over REST only", metadata: ["reason": "\(error)"])
            return nil
        }
    }
}
