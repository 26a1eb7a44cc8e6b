// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import ChainSource
import EventLog
import Foundation
import Hub
import TestSupport
import Testing

/// The hub is down while much happens on the chain.
///
/// By default 800 events. With `BROADTAPE_FULL=1` in the environment 20,000.
@Suite(.system, .serialized, .timeLimit(.minutes(15)))
struct ChainCatchUpSystemTests {
    private static let transactions = ProcessInfo.processInfo.environment["BROADTAPE_FULL"] == "1" ? 200 : 8
    /// Events of one transaction.
    private static let perTransaction = 100
    /// Memory limit of the whole hub, in MB; the chain has grown by many times what is in flight.
    private static let memory = 160

    /// Follows the chain's channel and `rateChange:BTC/USDT` from their beginnings, whatever becomes of the hub.
    private struct Reader {
        let told = Watched<[SourceEvent]>([])
        let rates = Watched<[String: ContinuousClock.Instant]>([:])
        let faults = Watched<[String]>([])

        func run(_ subscriber: Subscriber) async {
            try? await subscriber.run { updates in
                for await update in updates {
                    switch update {
                    case .event(let event) where event.channel.hasPrefix("rateChange:"):
                        let now = ContinuousClock.now
                        self.rates.change { $0[event.id] = now }
                    case .event(let event):
                        if event.skipped > 0 { self.faults.change { $0.append("\(event.skipped) skipped") } }
                        let source = SourceEvent(id: event.id, type: "chainEvent", key: "", data: event.data)
                        self.told.change { $0.append(source) }
                    case .gap, .refused:
                        self.faults.change { $0.append("\(update)") }
                    default:
                        break
                    }
                }
            }
        }
    }

    @Test func subscribersEndWithTheChain() async throws {
        try await PeerNode.with(seed: 22) { peer in
            try await withFolder { folder in
                try await peer.control("emit", "5", "2", "1")
                var hub = try await ProgramSystemTests.start(peer, in: folder)
                let token = try await hub.token("reader", "read:*", "publish:*")
                let reader = Reader()
                let subscriber = try Subscriber(
                    to: try hub.address(),
                    subscriptions: ["chainEvent:\(peer.contract)", "rateChange:BTC/USDT"].map {
                        Subscription($0, from: .after(0))
                    },
                    token: { token },
                    options: .init(backoff: BroadtapeClient.Backoff(base: .milliseconds(20), cap: .milliseconds(200)))
                )
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await reader.run(subscriber) }
                    defer { group.cancelAll() }
                    try await reader.told.wait(for: "the first events") { $0.count >= 5 }
                    try await hub.program.kill()
                    try await Self.goOn(peer)

                    let began = ContinuousClock.now
                    hub = try await ProgramSystemTests.start(peer, in: folder, port: hub.port)
                    let slowest = try await Self.rates(hub, token, reader)
                    try await eventually("the chain is caught up with", within: .seconds(240)) {
                        try await hub.metric("broadtape_source_position{source=\"chain:peer\"}") ?? 0 >= peer.head
                    }
                    let took = ContinuousClock.now - began
                    let head = try await hub.events(of: "chainEvent:\(peer.contract)", token: token).count
                    try await reader.told.wait(for: "\(head) events", within: .seconds(120)) { $0.count >= head }

                    let replay = Replay(reader.told.value)
                    #expect(replay.differences(from: try await peer.truth(try peer.chain())) == [])
                    #expect(reader.faults.value == [])
                    #expect(replay.facts.count >= Self.transactions * Self.perTransaction * 9 / 10)
                    #expect(hub.program.record.value.errors.contains("catching up with a chain"))
                    let peak = try hub.program.memory("VmHWM")
                    #expect(peak <= Self.memory)
                    print("caught up with \(replay.facts.count) facts in \(took); slowest rate \(slowest); \(peak) MB")
                    try await hub.program.kill()
                }
            }
        }
    }

    /// What happens while the hub is down: investments, and a reorganisation of five blocks in the middle.
    private static func goOn(_ peer: PeerNode) async throws {
        let blocks = Self.transactions / 4
        try await peer.control("emit", "\(blocks)", "2", "\(Self.perTransaction)", "false")
        try await peer.control("reorganise", "5", "6", "true")
        try await peer.control("emit", "\(blocks)", "2", "\(Self.perTransaction)", "false")
        try await peer.control("finalize", "\(try await peer.head - 4)")
    }

    /// Publishes rates while the chain is being caught up with.
    /// - Returns: The longest time from the request to the subscriber.
    private static func rates(_ hub: RunningHub, _ token: String, _ reader: Reader) async throws -> Duration {
        let publisher = Publisher(to: try hub.address(), token: { token })
        var slowest = Duration.zero
        for number in 1...20 {
            let sent = ContinuousClock.now
            let data = Array(#"{"pair":"BTC/USDT","rate":"\#(number)"}"#.utf8)
            _ = try await publisher.publish([try Publication(type: "rateChange", id: "r-\(number)", data: data)])
            try await reader.rates.wait(for: "rate \(number)") { $0["r-\(number)"] != nil }
            slowest = max(slowest, (reader.rates.value["r-\(number)"] ?? .now) - sent)
        }
        // Generous: the machine may be busy. Behind the whole catch-up it would be many times that.
        #expect(slowest < .seconds(5))
        return slowest
    }
}
