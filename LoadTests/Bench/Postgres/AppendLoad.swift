// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import Hub
import Logging
import NIOPosix
import PostgresStore

/// Publishers that append to one tape, each request after the answer to its last.
struct AppendLoad: Sendable {
    let channels: Int
    let publishers: Int
    /// Events of a request.
    let batch: Int
    /// Requests of each publisher.
    let rounds: Int
    /// Of `data`.
    let bytes: Int

    struct Outcome {
        let events: Int
        let batches: Int
        let time: Duration
        /// Milliseconds from a request to its answer, ascending.
        let latencies: [Double]

        func percentile(_ share: Double) -> Double {
            self.latencies.isEmpty ? 0 : self.latencies[Int(Double(self.latencies.count - 1) * share)]
        }

        var json: String {
            let seconds = self.time / .seconds(1)
            return String(
                format: #"{"events":%d,"batches":%d,"seconds":%.3f,"perSecond":%.1f,"p50":%.3f,"p99":%.3f}"#,
                self.events,
                self.batches,
                seconds,
                Double(self.events) / seconds,
                self.percentile(0.5),
                self.percentile(0.99)
            )
        }
    }

    /// Requests of each publisher that come first and do not count.
    let warmUp: Int

    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    func run(database: String) async throws -> Outcome {
        let tape = try await PostgresTape(url: database)
        let hub = Hub(
            configuration: HubConfiguration(),
            storage: Storage(tape),
            bus: InProcessBus(),
            loops: [MultiThreadedEventLoopGroup.singleton.next()],
            framing: .bare,
            verifier: TokenVerifier { _ in .settled(.failure(.invalid("nobody authenticates here"))) },
            logger: Logger(label: "bench")
        )
        // Everything is made before the clock starts: it is the way onto the tape that counts.
        let run = UInt64.random(in: 0 ... .max)
        func requests(_ rounds: Range<Int>) -> [[[Event]]] {
            (0..<self.publishers).map { publisher in
                rounds.map { round in
                    (0..<self.batch).map { self.event("\(run)-\(publisher)-\(round)-\($0)") }
                }
            }
        }
        let early = requests(0..<self.warmUp)
        let work = requests(self.warmUp..<self.warmUp + self.rounds)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await hub.run() }
            _ = try await self.publish(early, to: hub.writer)
            let before = await hub.writer.tally.batches
            let clock = ContinuousClock()
            let start = clock.now
            let latencies = try await self.publish(work, to: hub.writer)
            let time = clock.now - start
            let batches = await hub.writer.tally.batches - before
            hub.shutDown()
            try await group.waitForAll()
            return Outcome(
                events: self.publishers * self.rounds * self.batch,
                batches: batches,
                time: time,
                latencies: latencies.sorted()
            )
        }
    }

    private func event(_ id: String) -> Event {
        let key = "u-\(Int.random(in: 0..<self.channels))"
        let data =
            Array(#"{"v":""#.utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: self.bytes - 8) + Array(#""}"#.utf8)
        let time = Timestamp.now
        return Event(
            id: id,
            source: "bench",
            type: "note",
            keys: [key],
            time: time,
            data: data,
            slot: "",
            fingerprint: Fingerprint(type: "note", keys: [key], time: time, data: data)
        )
    }

    private func publish(_ work: [[[Event]]], to writer: TapeWriter) async throws -> [Double] {
        try await withThrowingTaskGroup(of: [Double].self) { group in
            for requests in work {
                group.addTask {
                    let clock = ContinuousClock()
                    var latencies: [Double] = []
                    for request in requests {
                        let start = clock.now
                        guard case .committed(let receipts) = try await writer.append(request),
                            receipts.allSatisfy({ $0.status == .accepted })
                        else { throw Failure(description: "the tape did not take new events") }
                        latencies.append((clock.now - start) / .milliseconds(1))
                    }
                    return latencies
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }
}
