// SPDX-License-Identifier: Apache-2.0

import Hub
import Logging

/// Takes rates from the desk to the sink, and tells how the exchanges are.
///
/// What is published of one exchange at one time is one step, which remembers how far it went.
struct RatePublisher: Sendable {
    /// At least so often is told how the exchanges are.
    private static let reporting: Duration = .seconds(1)

    let exchanges: [Exchange]
    let desk: DeskBox
    let sink: any SourceSink
    let report: @Sendable (SourceReport) -> Void
    let logger: Logger

    /// Publishes until the task is cancelled, or another process has gone on with one of the sources.
    func run() async {
        var versions: [Int: Int] = [:]
        var backoff = Backoff(.milliseconds(50) ... .seconds(2))
        while !Task.isCancelled {
            do throws(SinkFault) {
                for house in self.exchanges.indices where versions[house] == nil {
                    versions[house] = try await self.restore(house)
                }
                try await self.publish(&versions)
                backoff.reset()
                self.tell()
                await self.desk.wait(atMost: Self.reporting)
            } catch {
                self.tell()
                switch error {
                case .moved:
                    return self.logger.notice("another process publishes these rates")
                case .unavailable(let why):
                    self.logger.warning("rates cannot be committed now", metadata: ["fault": "\(why)"])
                    await backoff.wait()
                case .conflict(let ids):
                    self.logger.error("other rates stand under these ids", metadata: ["ids": "\(ids)"])
                    await backoff.wait()
                }
            }
        }
    }

    private func restore(_ house: Int) async throws(SinkFault) -> Int {
        do throws(TapeFault) {
            let state = try await self.sink.state(of: self.exchanges[house].source, prefix: "")
            self.desk.with { desk, _ in desk.restore(state.entries, of: house) }
            return state.version
        } catch {
            throw .unavailable("\(error)")
        }
    }

    private func publish(_ versions: inout [Int: Int]) async throws(SinkFault) {
        let offers = self.desk.with { desk, now in desk.due(at: now) }
        for house in Set(offers.map(\.house)).sorted() {
            guard let version = versions[house] else { continue }
            let part = offers.filter { $0.house == house }
            let entries = self.desk.with { desk, now in desk.entries(for: part, at: now) }
            // Until it is known what became of the step, it counts as unknown.
            versions[house] = nil
            do throws(SinkFault) {
                try await self.sink.commit(
                    part.map(\.rate.event),
                    SourceStep(source: self.exchanges[house].source, version: version, puts: entries)
                )
            } catch {
                // Rates that can never stand are not tried for ever; newer ones follow.
                if case .conflict = error { self.desk.with { desk, now in desk.published(part, at: now) } }
                throw error
            }
            versions[house] = version + 1
            self.desk.with { desk, now in desk.published(part, at: now) }
        }
    }

    private func tell() {
        let (changed, reports) = self.desk.with { desk, now in
            let changed = desk.checked(at: now)
            return (changed, self.exchanges.indices.map { desk.report(of: $0, at: now) })
        }
        for house in changed {
            if reports[house].isStale {
                self.logger.warning("no quotes come", metadata: ["exchange": "\(self.exchanges[house].name)"])
            } else {
                self.logger.info("quotes come again", metadata: ["exchange": "\(self.exchanges[house].name)"])
            }
        }
        for report in reports { self.report(report) }
    }
}
