// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import EventLog
import JSON
import NIOPosix
import RateSource
import Synchronization
import TestSupport
import Testing

/// Rates that are taken into a sink in memory.
final class Taking: Sendable {
    struct State: Sendable {
        var events: [SourceEvent] = []
        var versions: [String: Int] = [:]
        var entries: [String: [SourceEntry]] = [:]
        var reports: [String: SourceReport] = [:]
        /// Of 100 commits, how many fail; of these half after having been made.
        var failures = 0
        var random = SplitMix(seed: 5)
        /// The ids of each source that were committed before.
        var known: Set<String> = []
        var repeated = 0
        var withdrawn: Set<String> = []
    }

    let state = Watched(State())

    /// The rates of a pair so far, as published.
    func rates(_ pair: String) -> [(exchange: String, last: String, bid: String?, ask: String?)] {
        self.state.value.events.filter { $0.key == pair }.compactMap { event in
            guard let data = try? JSON.Value.parse(event.data), let exchange = data["exchange"]?.string,
                let rate = data["rate"]?.string
            else { return nil }
            return (exchange, rate, data["bid"]?.string, data["ask"]?.string)
        }
    }

    func count(_ pair: String, of exchange: String? = nil) -> Int {
        self.rates(pair).filter { exchange == nil || $0.exchange == exchange }.count
    }

    /// Returns when so many more rates of BTC/USDT have come, which are 50 ms apart at least.
    func waitForMore(_ count: Int) async throws {
        let all = self.count("BTC/USDT") + count
        try await eventually("\(count) more rates") { self.count("BTC/USDT") >= all }
    }

    /// Runs the service while the body does something.
    func run(_ exchanges: [Exchange], _ body: () async throws -> Void) async throws {
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        let service = try RateService(
            exchanges,
            store: MemoryTape(),
            client: client,
            on: MultiThreadedEventLoopGroup.singleton,
            logger: Quiet.logger,
            report: { report in self.state.change { $0.reports[report.name] = report } },
            withdraw: { name in self.state.change { _ = $0.withdrawn.insert(name) } },
            makeSink: { Sink(state: self.state) }
        )
        let result: Result<Void, any Error> = await withTaskGroup(of: Void.self) { group in
            group.addTask { await service.run() }
            let result: Result<Void, any Error>
            do {
                try await body()
                result = .success(())
            } catch {
                result = .failure(error)
            }
            group.cancelAll()
            return result
        }
        try? await client.shutdown()
        try result.get()
        #expect(self.state.value.withdrawn == Set(exchanges.map(\.source)))
    }

    private struct Sink: SourceSink {
        let state: Watched<State>

        func state(of source: String, prefix: String) async throws(TapeFault) -> SourceState {
            let state = self.state.value
            return SourceState(version: state.versions[source, default: 0], entries: state.entries[source] ?? [])
        }

        func commit(_ events: [SourceEvent], _ step: SourceStep) async throws(SinkFault) {
            let result: Result<Void, SinkFault> = self.state.change { state in
                let isFailing = Int.random(in: 0..<100, using: &state.random) < state.failures
                if isFailing, Bool.random(using: &state.random) { return .failure(.unavailable("not made")) }
                guard state.versions[step.source, default: 0] == step.version else { return .failure(.moved) }
                state.versions[step.source] = step.version + 1
                var entries = Dictionary(uniqueKeysWithValues: (state.entries[step.source] ?? []).map { ($0.name, $0) })
                for entry in step.puts { entries[entry.name] = entry }
                state.entries[step.source] = entries.values.sorted { $0.name < $1.name }
                for event in events {
                    if state.known.insert("\(step.source) \(event.id)").inserted {
                        state.events.append(event)
                    } else {
                        state.repeated += 1
                    }
                }
                return isFailing ? .failure(.unavailable("committed, but the answer was lost")) : .success(())
            }
            try result.get()
        }
    }
}
