// SPDX-License-Identifier: Apache-2.0

import Hub
import JSON
import NIOCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct DrainingTests {
    private func connect(_ count: Int, to hub: TestHub) async throws -> [TestClient] {
        var clients: [TestClient] = []
        for index in 0..<count { clients.append(try await hub.connect(on: index % hub.loops.count)) }
        return clients
    }

    @Test func sessionsLeaveAFewAtATime() async throws {
        try await withHub(loops: 2) { hub in
            let clients = try await self.connect(40, to: hub)
            let start = ContinuousClock.now
            await hub.hub.drain(over: .milliseconds(1_000))
            #expect(ContinuousClock.now - start >= .milliseconds(300))
            for client in clients {
                let reason = try await client.closing()
                guard case .draining(let reconnectAfter) = reason else {
                    Issue.record("\(reason)")
                    continue
                }
                // A short delay: the time of the disconnect already spreads the clients.
                #expect((0...500).contains(reconnectAfter))
                #expect(client.messages().last?["op"]?.string == "goodbye")
            }
        }
    }

    @Test func aSliceTakesItsPart() async throws {
        try await withHub { hub in
            _ = try await self.connect(10, to: hub)
            let shard = hub.hub.shards[0]
            #expect(await shard.disconnect(0.25, spread: .zero) == 10)
            #expect(await shard.sessionCount == 7)
            #expect(await shard.disconnect(0.01, spread: .zero) == 7)
            #expect(await shard.sessionCount == 6)
            #expect(await shard.disconnect(1, spread: .zero) == 6)
            #expect(await shard.disconnect(1, spread: .zero) == 0)
        }
    }

    @Test func aDrainingNodeIsNotReadyButWorks() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            try await eventually("it is ready") { hub.hub.isReady }
            #expect(!hub.hub.isDraining)
            async let draining: Void = hub.hub.drain(over: .seconds(3_600))
            try await eventually("it drains") { hub.hub.isDraining }
            #expect(!hub.hub.isReady)
            #expect(hub.hub.drainTimeLeft ?? .zero > .seconds(3_000))
            #expect(try await hub.publish("note:k") == 1)
            // The only one left goes with the first slice, and with it the reason to wait.
            await draining
            // Leaving twice is leaving once.
            await hub.hub.drain(over: .seconds(3_600))
        }
    }

    @Test func hurryingEndsIt() async throws {
        try await withHub { hub in
            _ = try await self.connect(20, to: hub)
            async let draining: Void = hub.hub.drain(over: .seconds(3_600))
            hub.hub.finishDrainNow()
            await draining
            #expect(await hub.hub.shards[0].sessionCount > 0)
        }
    }

    // MARK: - Who is let in

    @Test func aDrainingNodeTakesNobodyIn() async throws {
        try await withHub { hub in
            let loop = hub.loops[0]
            #expect(try await loop.submit { hub.hub.rejection(on: loop) }.get() == nil)
            // Keeps the node from being empty at once.
            _ = try await self.connect(200, to: hub)
            async let draining: Void = hub.hub.drain(over: .seconds(3_600))
            try await eventually("it drains") { hub.hub.isDraining }
            guard case .draining(let left) = try await loop.submit({ hub.hub.rejection(on: loop) }).get() else {
                Issue.record("let in")
                return
            }
            #expect(left > .seconds(3_000) && left <= .seconds(3_600))
            hub.hub.finishDrainNow()
            await draining
        }
    }

    @Test func aStormIsKeptToARate() async throws {
        var configuration = HubConfiguration.forTests
        configuration.admission.rate = AllowedRate(perSecond: 10, burst: 3)
        try await withHub(configuration) { hub in
            let loop = hub.loops[0]
            let now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
            let answers = try await loop.submit {
                (0..<5).map { _ in hub.hub.rejection(on: loop, now: now) }
            }.get()
            #expect(answers.prefix(3).allSatisfy { $0 == nil })
            #expect(answers.suffix(2) == [.surge(.milliseconds(100)), .surge(.milliseconds(100))])
            let later = try await loop.submit { hub.hub.rejection(on: loop, now: now + .milliseconds(100)) }.get()
            #expect(later == nil)
        }
    }

    @Test func aLateLoopTakesNobodyIn() async throws {
        var configuration = HubConfiguration.forTests
        configuration.admission.lag = .seconds(30)
        try await withHub(configuration) { hub in
            let loop = hub.loops[0]
            let shard = hub.hub.shards[0]
            let answers = try await loop.submit {
                shard.assumeIsolated { shard in
                    let start = NIODeadline.now()
                    shard.probe(uptime: start)
                    shard.probe(uptime: start + SessionShard.probeInterval + .seconds(40))
                    let late = hub.hub.rejection(on: loop)
                    shard.probe(uptime: start + SessionShard.probeInterval + SessionShard.probeInterval + .seconds(40))
                    return [late, hub.hub.rejection(on: loop)]
                }
            }.get()
            #expect(answers == [.surge(.seconds(2)), nil])
        }
    }
}
