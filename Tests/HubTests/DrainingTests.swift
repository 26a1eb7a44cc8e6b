// SPDX-License-Identifier: Apache-2.0

import Hub
import HubTestSupport
import JSON
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
                // Soon: they are spread by when they are sent away.
                #expect((0...500).contains(reconnectAfter))
                #expect(client.messages().last?["op"]?.string == "goodbye")
            }
        }
    }

    @Test func aSliceTakesItsPart() async throws {
        try await withHub { hub in
            _ = try await self.connect(10, to: hub)
            let roster = hub.hub.rosters[0]
            #expect(await roster.sendAway(0.25, spread: .zero) == 10)
            #expect(await roster.sessionCount == 7)
            #expect(await roster.sendAway(0.01, spread: .zero) == 7)
            #expect(await roster.sessionCount == 6)
            #expect(await roster.sendAway(1, spread: .zero) == 6)
            #expect(await roster.sendAway(1, spread: .zero) == 0)
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
            hub.hub.hurry()
            await draining
            #expect(await hub.hub.rosters[0].sessionCount > 0)
        }
    }
}
