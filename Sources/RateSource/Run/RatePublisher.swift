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
    private let desk: SharedRateBook
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
        let desk = SharedRateBook(exchanges, clock: clock)
        self.exchanges = exchanges
        self.desk = desk
        self.sink = sink
        self.feeds = exchanges.indices.map { makeFeeds($0, desk, clock) }
        self.logger = logger
    }

    var names: [String] { self.exchanges.map(\.source) }
    var companions: [@Sendable () async -> Void] { self.feeds.map { feeds in { await feeds.run() } } }
    var wakeSignal: WakeSignal { self.desk.alarm }

    mutating func step(isPoll: Bool) async -> SourceProgress {
        do throws(SinkFault) {
            for house in self.exchanges.indices where self.places[house] == nil {
                self.places[house] = try await self.restore(house)
            }
            try await self.publish()
            try await self.writeStaleMarkers()
            return .idle(for: self.desk.pause(atMost: Self.reporting))
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

    private func restore(_ house: Int) async throws(SinkFault) -> Checkpoint {
        do throws(TapeFault) {
            let state = try await self.sink.state(of: self.exchanges[house].source, prefix: "")
            self.desk.with { desk, now in desk.restore(state.entries, of: house, at: now) }
            return Checkpoint(version: state.version, isStale: StaleMarker.isStale(state.entries))
        } catch {
            throw .unavailable("\(error)")
        }
    }

    private mutating func publish() async throws(SinkFault) {
        let offers = self.desk.with { desk, now in desk.due(at: now) }
        for house in Set(offers.map(\.house)).sorted() {
            let part = offers.filter { $0.house == house }
            let entries = self.desk.with { desk, now in desk.entries(for: part, at: now) }
            do throws(SinkFault) {
                try await self.commit(part.map(\.rate.event), entries, of: house)
            } catch {
                // Rates that can never be stored are not retried forever; newer ones follow.
                switch error {
                case .conflict, .refused: self.desk.with { desk, now in desk.published(part, at: now) }
                case .moved, .unavailable: break
                }
                throw error
            }
            self.desk.with { desk, now in desk.published(part, at: now) }
        }
    }

    private mutating func commit(
        _ events: [SourceEvent],
        _ entries: [SourceEntry],
        of house: Int
    ) async throws(SinkFault) {
        guard var place = self.places[house] else { throw .unavailable("the checkpoint of the source is unknown") }
        // Until the outcome of the step is known, the checkpoint counts as unknown.
        self.places[house] = nil
        let step = SourceStep(source: self.exchanges[house].source, version: place.version, puts: entries)
        try await self.sink.commit(events, step)
        place.version += 1
        self.places[house] = place
    }

    /// Notifies the other nodes when an exchange becomes stale or fresh.
    private mutating func writeStaleMarkers() async throws(SinkFault) {
        for house in self.exchanges.indices {
            let isStale = self.desk.with { desk, now in desk.isStale(house, at: now) }
            guard let place = self.places[house], place.isStale != isStale else { continue }
            let word = SourceEntry(name: StaleMarker.name, value: StaleMarker.value(isStale: isStale))
            try await self.commit([], [word], of: house)
            self.places[house]?.isStale = isStale
        }
    }

    func reports() async -> [SourceReport] {
        let (changed, reports) = self.desk.with { desk, now in
            let changed = desk.checked(at: now)
            return (changed, self.exchanges.indices.map { desk.report(of: $0, at: now) })
        }
        for house in changed {
            if reports[house].isStale {
                self.logger.warning("no quotes received", metadata: ["exchange": "\(self.exchanges[house].name)"])
            } else {
                self.logger.info("quotes received again", metadata: ["exchange": "\(self.exchanges[house].name)"])
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
