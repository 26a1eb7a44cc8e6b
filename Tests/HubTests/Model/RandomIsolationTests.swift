// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

/// No user ever receives another user's frame: thousands of sessions on two nodes subscribe, read, refresh their
/// tokens, are revoked and disconnect while events for all users are published. Afterwards every received frame is
/// checked.
@Suite(.serialized, .timeLimit(.minutes(3))) struct RandomIsolationTests {
    @Test(arguments: [1, 2] as [UInt64])
    func everyFrameIsOfItsReader(seed: UInt64) async throws {
        var dice = SplitMix(seed: seed)
        var configuration = HubConfiguration.forTests
        configuration.page = PageLimit(entries: 7, bytes: 1 << 16)
        configuration.ringBytes = 20_000
        configuration.revocationPoll = .milliseconds(50)
        let access = AccessStores(revocations: SharedAccessStore())
        let (tape, exchange) = (SharedTape(), InProcessBus.Exchange())
        let buses = (InProcessBus(exchange: exchange), InProcessBus(exchange: exchange))
        try await withHub(configuration, tape: tape, bus: buses.0, access: access, loops: 2) { here in
            try await withHub(configuration, tape: tape, bus: buses.1, access: access, loops: 2) { there in
                var world = IsolationWorld(nodes: [here, there])
                for _ in 0..<3_000 { try await world.step(&dice) }
                try await world.settle()
                #expect(world.sessions.count > 1_000)
                let found = world.sessions.reduce(into: IsolationFindings()) { $0.look(at: $1) }
                #expect(found.violations.isEmpty, "\(found.violations.prefix(5))")
                // That it could have gone wrong.
                #expect(found.ownFrames > 1_000, "\(found)")
                #expect(found.permittedFrames > 100, "\(found)")
                #expect(found.refusals > 100, "\(found)")
                #expect(found.ended > 5, "\(found)")
                #expect(found.revoked > 20, "\(found)")
            }
        }
    }
}
