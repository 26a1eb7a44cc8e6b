// SPDX-License-Identifier: Apache-2.0

import EventLog
import Ingest
import Logging

/// The configured exchanges as a source: publishes rates from the rate book to the sink, and reports the state of the
/// exchanges.
///
/// The rates of one exchange at one time are one commit, which stores the new checkpoint.
struct RatePublisher: Source {
    /// Maximum interval between two reports of an exchange's state.
    private static let reporting: Duration = .seconds(1)

    private let exchanges: [Exchange]
    private let book: SharedRateBook
    private let sink: any SourceSink
    private let feeds: [ExchangeFeeds]
    private let logger: Logger
    /// The stored state of each exchange, as far as it is known.
    private var places: [Int: Checkpoint] = [:]

    /// What the tape stores for one exchange.
    private struct Checkpoint {
        var version: Int
        /// The stale marker that other nodes read.
        var isStale: Bool
    }

    /// - Parameter makeFeeds: Makes the feeds of an exchange, which fill the rate book.
    init(
        _ exchanges: [Exchange],
        sink: any SourceSink,
        logger: Logger,
        makeFeeds: (Int, SharedRateBook, SteadyClock) -> ExchangeFeeds
    ) {
        let clock = SteadyClock()
        let book = SharedRateBook(exchanges, clock: clock)
        self.exchanges = exchanges
        self.book = book
        self.sink = sink
        self.feeds = exchanges.indices.map { makeFeeds($0, book, clock) }
        self.logger = logger
    }

    var names: [String] { self.exchanges.map(\.source) }
    var companions: [@Sendable () async -> Void] { self.feeds.map { feeds in { await feeds.run() } } }
    var wakeSignal: WakeSignal { self.book.wakeSignal }

    mutating func step(isPoll: Bool) async -> SourceProgress {
        do throws(SinkFault) {
            for exchange in self.exchanges.indices where self.places[exchange] == nil {
                self.places[exchange] = try await self.restore(exchange)
            }
            try await self.publish()
            try await self.writeStaleMarkers()
            return .idle(for: self.book.pause(atMost: Self.reporting))
        } catch {
            switch error {
            case .moved:
                self.logger.notice("another process publishes these rates")
                return .superseded
            case .unavailable(let why):
                self.logger.warning("rates were not committed, retrying", metadata: ["fault": "\(why)"])
            case .conflict(let ids):
                self.logger.error("other rates are already stored with these ids", metadata: ["ids": "\(ids)"])
            case .refused(let why):
                self.logger.error("the rates were rejected by the store", metadata: ["fault": "\(why)"])
            }
            return .failed()
        }
    }

    private func restore(_ exchange: Int) async throws(SinkFault) -> Checkpoint {
        do throws(TapeFault) {
            let state = try await self.sink.state(of: self.exchanges[exchange].source, prefix: "")
            self.book.with { book, now in book.restore(state.entries, of: exchange, at: now) }
            return Checkpoint(version: state.version, isStale: StaleMarker.isStale(state.entries))
        } catch {
            throw .unavailable("\(error)")
        }
    }

    private mutating func publish() async throws(SinkFault) {
        let offers = self.book.with { book, now in book.due(at: now) }
        for exchange in Set(offers.map(\.exchange)).sorted() {
            let part = offers.filter { $0.exchange == exchange }
            let entries = self.book.with { book, now in book.entries(for: part, at: now) }
            do throws(SinkFault) {
                try await self.commit(part.map(\.rate.event), entries, of: exchange)
            } catch {
                // Rates that can never be stored are not retried forever; newer ones follow.
                switch error {
                case .conflict, .refused: self.book.with { book, now in book.published(part, at: now) }
                case .moved, .unavailable: break
                }
                throw error
            }
            self.book.with { book, now in book.published(part, at: now) }
        }
    }

    private mutating func commit(
        _ events: [SourceEvent],
        _ entries: [SourceEntry],
        of exchange: Int
    ) async throws(SinkFault) {
        guard var place = self.places[exchange] else { throw .unavailable("the checkpoint of the source is unknown") }
        // Until the outcome of the step is known, the checkpoint counts as unknown.
        self.places[exchange] = nil
        let step = SourceStep(source: self.exchanges[exchange].source, version: place.version, puts: entries)
        try await self.sink.commit(events, step)
        place.version += 1
        self.places[exchange] = place
    }

    /// Notifies the other nodes when an exchange becomes stale or fresh.
    private mutating func writeStaleMarkers() async throws(SinkFault) {
        for exchange in self.exchanges.indices {
            let isStale = self.book.with { book, now in book.isStale(exchange, at: now) }
            guard let place = self.places[exchange], place.isStale != isStale else { continue }
            let word = SourceEntry(name: StaleMarker.name, value: StaleMarker.value(isStale: isStale))
            try await self.commit([], [word], of: exchange)
            self.places[exchange]?.isStale = isStale
        }
    }

    func reports() async -> [SourceReport] {
        let (changed, reports) = self.book.with { book, now in
            let changed = book.checked(at: now)
            return (changed, self.exchanges.indices.map { book.report(of: $0, at: now) })
        }
        for exchange in changed {
            if reports[exchange].isStale {
                self.logger.warning("no quotes received", metadata: ["exchange": "\(self.exchanges[exchange].name)"])
            } else {
                self.logger.info("quotes received again", metadata: ["exchange": "\(self.exchanges[exchange].name)"])
            }
        }
        return zip(reports, self.feeds).map { report, feeds in
            var report = report
            report.endpoints = feeds.endpoints
            if report.trouble.isEmpty { report.trouble = EndpointPool.trouble(of: report.endpoints) }
            return report
        }
    }
}
