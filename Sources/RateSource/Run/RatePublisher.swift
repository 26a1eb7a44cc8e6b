// SPDX-License-Identifier: Apache-2.0

import EventLog
import Ingest
import Logging

/// Publishes rates from the rate book to the sink, and reports the state of the exchanges.
///
/// The rates of one exchange at one time are one step, which stores the new checkpoint.
struct RatePublisher: Sendable {
    /// Maximum interval between two reports of an exchange's state.
    private static let reporting: Duration = .seconds(1)

    let exchanges: [Exchange]
    let desk: SharedRateBook
    let sink: any SourceSink
    /// State of an exchange's endpoints.
    let endpoints: @Sendable (Int) -> [EndpointReport]
    let tellBoard: @Sendable (SourceReport) -> Void
    let logger: Logger

    /// What the tape stores for one exchange.
    private struct Checkpoint {
        var version: Int
        /// The stale marker that other nodes read.
        var isStale: Bool
    }

    /// Publishes until the task is cancelled, or another process has continued one of the sources.
    func run() async {
        var places: [Int: Checkpoint] = [:]
        var backoff = Backoff(.milliseconds(50) ... .seconds(2))
        while !Task.isCancelled {
            do throws(SinkFault) {
                for house in self.exchanges.indices where places[house] == nil {
                    places[house] = try await self.restore(house)
                }
                try await self.publish(&places)
                self.report()
                try await self.writeStaleMarker(&places)
                backoff.reset()
                await self.desk.wait(atMost: Self.reporting)
            } catch {
                self.report()
                switch error {
                case .moved:
                    return self.logger.notice("another process publishes these rates")
                case .unavailable(let why):
                    self.logger.warning("rates were not committed, retrying", metadata: ["fault": "\(why)"])
                    await backoff.wait()
                case .conflict(let ids):
                    self.logger.error("other rates are already stored with these ids", metadata: ["ids": "\(ids)"])
                    await backoff.wait()
                case .refused(let why):
                    self.logger.error("the rates were rejected by the store", metadata: ["fault": "\(why)"])
                    await backoff.wait()
                }
            }
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

    private func publish(_ places: inout [Int: Checkpoint]) async throws(SinkFault) {
        let offers = self.desk.with { desk, now in desk.due(at: now) }
        for house in Set(offers.map(\.house)).sorted() {
            let part = offers.filter { $0.house == house }
            let entries = self.desk.with { desk, now in desk.entries(for: part, at: now) }
            do throws(SinkFault) {
                try await self.commit(part.map(\.rate.event), entries, of: house, &places)
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

    private func commit(
        _ events: [SourceEvent],
        _ entries: [SourceEntry],
        of house: Int,
        _ places: inout [Int: Checkpoint]
    ) async throws(SinkFault) {
        guard var place = places[house] else { throw .unavailable("the checkpoint of the source is unknown") }
        // Until the outcome of the step is known, the checkpoint counts as unknown.
        places[house] = nil
        let step = SourceStep(source: self.exchanges[house].source, version: place.version, puts: entries)
        try await self.sink.commit(events, step)
        place.version += 1
        places[house] = place
    }

    /// Notifies the other nodes when an exchange becomes stale or fresh.
    private func writeStaleMarker(_ places: inout [Int: Checkpoint]) async throws(SinkFault) {
        for house in self.exchanges.indices {
            let isStale = self.desk.with { desk, now in desk.isStale(house, at: now) }
            guard let place = places[house], place.isStale != isStale else { continue }
            let word = SourceEntry(name: StaleMarker.name, value: StaleMarker.value(isStale: isStale))
            try await self.commit([], [word], of: house, &places)
            places[house]?.isStale = isStale
        }
    }

    private func report() {
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
        for (house, report) in reports.enumerated() {
            var report = report
            report.endpoints = self.endpoints(house)
            if report.trouble.isEmpty { report.trouble = EndpointPool.trouble(of: report.endpoints) }
            self.tellBoard(report)
        }
    }
}
