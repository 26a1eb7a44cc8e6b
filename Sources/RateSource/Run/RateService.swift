// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
package import EventLog
import Ingest
package import Logging
package import NIOCore
package import WebSocketClient

/// The rates of all configured exchanges for the lifetime of the process; run by one cluster node at a time.
package struct RateService: Sendable {
    /// Interval at which a standby node reads the state of the exchanges.
    private static let interval: Duration = .seconds(1)

    private let exchanges: [Exchange]
    private let store: any SourceStore
    private let report: @Sendable (SourceReport) -> Void
    private let withdraw: @Sendable (String) -> Void
    private let runner: SourceRunner

    /// - Parameters:
    ///   - exchanges: In order of preference.
    ///   - store: The store through which the cluster nodes take turns.
    ///   - client: Owned and shut down by the caller.
    ///   - report: Called with the state of an exchange, about once per second.
    ///   - withdraw: Called with the source of an exchange when this node no longer runs it.
    ///   - makeSink: Called each time this node takes over.
    package init(
        _ exchanges: [Exchange],
        store: any SourceStore,
        client: HTTPClient,
        on group: any EventLoopGroup,
        logger: Logger,
        report: @escaping @Sendable (SourceReport) -> Void,
        withdraw: @escaping @Sendable (String) -> Void,
        makeSink: @escaping @Sendable () -> any SourceSink
    ) throws(WebSocketURL.Invalid) {
        let urls = try exchanges.map { exchange throws(WebSocketURL.Invalid) in
            try exchange.webSockets.map { text throws(WebSocketURL.Invalid) in try WebSocketURL(text) }
        }
        self.exchanges = exchanges
        self.store = store
        self.report = report
        self.withdraw = withdraw
        var limits = SourceRunner.Limits()
        limits.retry = .milliseconds(50) ... .seconds(2)
        self.runner = SourceRunner(
            "rates",
            store: store,
            limits: limits,
            logger: logger,
            report: report,
            withdraw: withdraw
        ) {
            RatePublisher(exchanges, sink: makeSink(), logger: logger) { index, book, clock in
                ExchangeFeeds(
                    exchanges[index],
                    index,
                    into: book,
                    urls: urls[index],
                    client: client,
                    on: group.next(),
                    clock: clock,
                    logger: logger
                )
            }
        }
    }

    /// Runs until the task is cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.runner.run() }
            group.addTask { await self.watchStaleMarkers() }
        }
    }

    /// Reports stale exchanges to the subscribers of this node while another node runs the source.
    private func watchStaleMarkers() async {
        var stale: Set<String> = []
        while (try? await Task.sleep(for: Self.interval)) != nil {
            guard !self.runner.isLeading else {
                stale = []
                continue
            }
            for exchange in self.exchanges {
                // While the store cannot be read, nothing is known to have changed.
                guard let state = try? await self.store.state(of: exchange.source, prefix: StaleMarker.name),
                    !self.runner.isLeading
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
}
