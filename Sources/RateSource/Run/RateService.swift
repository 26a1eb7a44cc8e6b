// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
package import Client
package import Hub
package import Logging
package import NIOCore
import Synchronization

/// The rates of some exchanges as long as a process lives, on one node at a time.
package final class RateService: Sendable {
    private static let name = "rates"
    /// Between two looks of a node that takes no rates at how the exchanges are.
    private static let look: Duration = .seconds(1)

    private let exchanges: [Exchange]
    private let addresses: [SocketFeed.Address?]
    private let store: any SourceStore
    private let client: HTTPClient
    private let group: any EventLoopGroup
    private let logger: Logger
    private let makeSink: @Sendable () -> any SourceSink
    private let report: @Sendable (SourceReport) -> Void
    private let withdraw: @Sendable (String) -> Void
    private let isLeading = Atomic<Bool>(false)

    /// - Parameters:
    ///   - exchanges: In the order of preference.
    ///   - store: Whose nodes take turns.
    ///   - client: The caller's, who shuts it down.
    ///   - makeSink: Called at the beginning of each turn.
    ///   - report: Told how an exchange is, about once a second.
    ///   - withdraw: Told the source of an exchange when the turn is over.
    package init(
        _ exchanges: [Exchange],
        store: any SourceStore,
        client: HTTPClient,
        on group: any EventLoopGroup,
        logger: Logger,
        makeSink: @escaping @Sendable () -> any SourceSink,
        report: @escaping @Sendable (SourceReport) -> Void,
        withdraw: @escaping @Sendable (String) -> Void
    ) throws(HubAddress.Invalid) {
        self.exchanges = exchanges
        var addresses: [SocketFeed.Address?] = []
        for exchange in exchanges {
            if let text = exchange.webSocket {
                addresses.append(try SocketFeed.Address(text))
            } else {
                addresses.append(nil)
            }
        }
        self.addresses = addresses
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

    /// Tells the subscribers of this node which exchanges are stale while another node takes the rates.
    private func lookOn() async {
        var stale: Set<String> = []
        while (try? await Task.sleep(for: Self.look)) != nil {
            guard !self.isLeading.load(ordering: .relaxed) else {
                stale = []
                continue
            }
            for exchange in self.exchanges {
                // While nothing can be read nothing is known to have changed.
                guard let state = try? await self.store.state(of: exchange.source, prefix: StaleWord.name),
                    !self.isLeading.load(ordering: .relaxed)
                else { continue }
                if StaleWord.isStale(state.entries) {
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
                try await self.store.whileAlone(Self.name) { await self.lead() }
                backoff.reset()
            } catch {
                self.logger.notice("rates cannot be taken from here now", metadata: ["fault": "\(error)"])
            }
            await backoff.wait()
        }
    }

    private func lead() async {
        self.isLeading.store(true, ordering: .relaxed)
        defer { self.isLeading.store(false, ordering: .relaxed) }
        let clock = SteadyClock()
        let desk = DeskBox(self.exchanges, clock: clock)
        let publisher = RatePublisher(
            exchanges: self.exchanges,
            desk: desk,
            sink: self.makeSink(),
            tellBoard: self.report,
            logger: self.logger
        )
        for exchange in self.exchanges { self.withdraw(exchange.source) }
        self.logger.info("taking rates", metadata: ["exchanges": "\(self.exchanges.map(\.name))"])
        await withTaskGroup(of: Void.self) { group in
            for (house, exchange) in self.exchanges.enumerated() {
                group.addTask { await self.follow(exchange, house, self.addresses[house], desk, clock) }
            }
            await publisher.run()
            group.cancelAll()
        }
        for exchange in self.exchanges { self.withdraw(exchange.source) }
        self.logger.info("no longer taking rates")
    }

    private func follow(
        _ exchange: Exchange,
        _ house: Int,
        _ address: SocketFeed.Address?,
        _ desk: DeskBox,
        _ clock: SteadyClock
    ) async {
        var logger = self.logger
        logger[metadataKey: "exchange"] = "\(exchange.name)"
        let socket = self.socket(exchange, house, address, desk, clock, logger)
        let rest = exchange.rest.map { base in
            RESTFeed(exchange, base: base, client: self.client, clock: clock, logger: logger) { incoming, asked in
                let verdict = desk.received(incoming, from: house, asked: asked)
                await socket?.polled(isNews: verdict.news > 0)
            }
        }
        await withDiscardingTaskGroup { group in
            if let socket { group.addTask { await socket.run() } }
            guard let rest else { return }
            group.addTask {
                if let socket { await rest.run(while: socket.wishes) } else { await rest.run() }
            }
        }
    }

    private func socket(
        _ exchange: Exchange,
        _ house: Int,
        _ address: SocketFeed.Address?,
        _ desk: DeskBox,
        _ clock: SteadyClock,
        _ logger: Logger
    ) -> SocketFeed? {
        guard let address else { return nil }
        do throws(Ending) {
            let dialect = exchange.dialect
            return try SocketFeed(
                address,
                rules: FeedMachine.Rules(exchange),
                on: self.group.next(),
                clock: clock,
                logger: logger
            ) { text in
                desk.received(dialect.read(text), from: house)
            }
        } catch {
            logger.error("rates are asked for by REST only", metadata: ["reason": "\(error)"])
            return nil
        }
    }
}
