// SPDX-License-Identifier: Apache-2.0

import RedisBus
import TestSupport
import Testing

@Suite(.system, .timeLimit(.minutes(1))) struct RevocationSystemTests {
    /// Also while commits pile up before it, and not at the node that tells.
    @Test func otherNodesAreToldAtOnce() async throws {
        try await RedisServer.with { server in
            let (one, two) = (try Node(server.url), try Node(server.url))
            try await Node.run(one, two) {
                two.gate.close()
                one.bus.announce([Samples.commit(1...3)])
                try await two.gate.waitForArrivals(1)
                one.bus.announce([Samples.commit(4...5)])
                one.bus.announceRevocations()
                try await two.record.wait(for: "the news") { $0.revocations == 1 }
                two.gate.open()
                try await two.received(through: 5)
                #expect(one.record.value.revocations == 0)
                #expect(two.bus.tally.malformed == 0)
                #expect(two.bus.tally.refused == 0)
            }
        }
    }

    /// Who cannot sign makes nobody ask the database for revocations.
    @Test func othersTellNothing() async throws {
        try await RedisServer.with { server in
            let (one, two) = (try Node(server.url), try Node(server.url))
            let stranger = try Node(server.url, secrets: ["a secret that is none of the nodes of here"])
            try await Node.run(one, two, stranger) {
                stranger.bus.announceRevocations()
                try await two.bus.eventually { $0.refused == 1 }
                #expect(two.record.value.revocations == 0)
                one.bus.announceRevocations()
                try await two.record.wait(for: "the news") { $0.revocations == 1 }
            }
        }
    }
}
