// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Foundation
import TestSupport
import Testing

/// A subscriber that reads nothing while events flow, and then reads: transactions come whole and in order, a rate comes
/// as its newest value, and the hub has not kept them in memory meanwhile.
///
/// By default 3 s at 1,000 events/s. With `BROADTAPE_FULL=1` in the environment it is 30 s at 5,000 events/s, or as long
/// as this build takes for so many; that is meant for an otherwise idle machine and takes minutes. Either way there is
/// more than all buffers on the way hold, and far more than the ring of one channel does (128 KiB): what was missed comes
/// from the tape.
@Suite(.system, .serialized, .timeLimit(.minutes(10)))
struct SlowSubscriberTests {
    private struct Load: Sendable {
        var seconds: Int
        var rate: Int
        /// Of `data` beside its fields, in bytes.
        var padding: Int
        var requestsPerSecond = 20
        /// What the hub's memory may grow by from before the first event to the end, in MB. A hub without subscribers
        /// levels off some 75 MB above where it began, however much is published, and pages of replay take another 35.
        /// The short run, of 9 MB, does not get so far and finds gross waste only. The full one, of 250 MB, finds events
        /// that are kept for the subscriber.
        var growth: Int

        var events: Int { self.seconds * self.rate }
        /// How long everything may take to be read afterwards.
        var patience: Duration { .seconds(20 + self.events / 500) }

        static let full = Load(seconds: 30, rate: 5_000, padding: 1_500, growth: 128)
        static let short = Load(seconds: 3, rate: 1_000, padding: 3_000, growth: 48)
        static let asked = ProcessInfo.processInfo.environment["BROADTAPE_FULL"] == "1" ? full : short
    }

    /// For a hub that waits long for a sign of life: a client that reads nothing answers no ping, and counts as gone after
    /// `silence`.
    private static let patience = ["BROADTAPE_SILENCE": "10m"]

    /// What the kernel may hold of one connection, in bytes.
    private static func kernelBuffers() throws -> Int {
        let text = try String(contentsOfFile: "/proc/sys/net/ipv4/tcp_wmem", encoding: .utf8)
        let largest = try #require(text.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0) })
        return largest + SlowSubscriber.receiveBuffer * 2
    }

    /// Publishes `e-1`, `e-2` … at the rate asked for.
    private static func publish(
        _ load: Load,
        type: String,
        key: String,
        _ data: (Int) -> String,
        to hub: RunningHub
    ) async throws {
        let token = try await hub.token("svc", "publish:*")
        let publisher = Publisher(to: try hub.address(), token: { token })
        let size = load.rate / load.requestsPerSecond
        let padding = String(repeating: "x", count: load.padding)
        let start = ContinuousClock.now
        for request in 0..<load.events / size {
            // The schedule that the events are due on, not a wait for something.
            try await Task.sleep(until: start + .seconds(1) * request / load.requestsPerSecond)
            let publications = try (request * size + 1...(request + 1) * size).map { number in
                try Publication(
                    type: type,
                    keys: [key],
                    id: "e-\(number)",
                    data: Array(#"{\#(data(number)),"pad":"\#(padding)"}"#.utf8)
                )
            }
            _ = try await publisher.publish(publications)
        }
    }

    @Test func transactionsComeWholeAndInOrder() async throws {
        let load = Load.asked
        try await withHub(environment: Self.patience) { hub in
            let token = try await hub.token("u_42")
            let slow = try await SlowSubscriber.stalled(on: "transactionUpdate", port: hub.port, token: token)
            let data: (Int) -> String = { #""type":"p2p","amount":"\#($0).50","status":"new""# }
            let before = try hub.program.memory("VmHWM")
            try await Self.publish(load, type: "transactionUpdate", key: "u_42", data, to: hub)
            #expect(slow.log.value.events == 0, "it was not to read")
            #expect(load.events * load.padding > (try Self.kernelBuffers()), "the buffers on the way hold everything")
            let ring = try await hub.metric("broadtape_ring_bytes")
            #expect(ring ?? .max < load.events * load.padding / 4)
            let paused = try hub.program.memory("VmHWM")
            try await slow.wake()
            try await slow.wait(for: load.events, within: load.patience)
            let log = slow.log.value
            #expect(log.faults.isEmpty, "\(log)")
            #expect(log.events == load.events)
            #expect(log.last == load.events)
            #expect(log.jumps.isEmpty)
            let peak = try hub.program.memory("VmHWM")
            let figures = "\(before) MB before, at most \(paused) MB while paused, \(peak) MB in all"
            print("\(load.events) transactions of \(log.bytes / 1_000_000) MB: \(figures)")
            #expect(peak - before <= load.growth, "\(figures)")
            await slow.close()
        }
    }

    @Test func aRateComesAsItsNewestValue() async throws {
        let load = Load.asked
        try await withHub(environment: Self.patience) { hub in
            let token = try await hub.token("u_42")
            let slow = try await SlowSubscriber.stalled(on: "rateChange:A/B", port: hub.port, token: token)
            let data: (Int) -> String = { #""rate":"1.\#($0)""# }
            let before = try hub.program.memory("VmHWM")
            try await Self.publish(load, type: "rateChange", key: "A/B", data, to: hub)
            #expect(slow.log.value.events == 0, "it was not to read")
            try await slow.wake()
            try await slow.wait(for: load.events, within: load.patience)
            let log = slow.log.value
            #expect(log.faults.isEmpty, "\(log)")
            // After what had left before the buffers were full there is one event more: the newest.
            let newest = try #require(log.jumps.last, "nothing was skipped: \(log)")
            #expect(newest.seq == load.events, "\(log)")
            #expect(newest.skipped > load.events / 10, "\(log)")
            // What had left, and what the hub holds for one connection: 64 KiB, and one write more.
            #expect(log.bytes <= (try Self.kernelBuffers()) + (1 << 20), "\(log)")
            let peak = try hub.program.memory("VmHWM")
            print("\(load.events) rates: \(log); \(before) MB before, at most \(peak) MB")
            #expect(peak - before <= load.growth)
            await slow.close()
        }
    }
}
