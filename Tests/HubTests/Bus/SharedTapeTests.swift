// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

/// Two hubs on one tape that no bus connects.
@Suite(.timeLimit(.minutes(1))) struct SharedTapeTests {
    /// - Parameter poll: Between two looks for what the other hub has committed.
    private func withNodes(
        poll: Duration = .milliseconds(2),
        _ body: (_ here: TestHub, _ there: TestHub) async throws -> Void
    ) async throws {
        let tape = SharedTape()
        var configuration = HubConfiguration.forTests
        configuration.pollWhileCut = poll
        try await withHub(configuration, tape: tape, loops: 2) { here in
            try await withHub(tape: tape) { there in
                try await body(here, there)
            }
        }
    }

    @Test(arguments: ["note:k", "price:k", "purse:k"])
    func commitsOfTheOtherReachSubscribers(channel: String) async throws {
        try await self.withNodes { here, there in
            #expect(here.hub.bus.reach == .alone)
            let clients = try await [here.connect(on: 0), here.connect(on: 1)]
            for client in clients { try await client.subscribe(channel) }
            for count in 1...3 {
                try await there.publish(channel)
                for client in clients {
                    #expect(try await client.events(on: channel, through: count) == Array(1...count))
                }
            }
        }
    }

    /// Nobody looks for commits on a channel without subscribers.
    @Test(arguments: [#""since":0"#, #""snapshot":true"#, #""snapshot":false"#])
    func firstSubscriberGetsTheHeadOfTheTape(start: String) async throws {
        try await self.withNodes { here, there in
            try await there.publish(2, on: "note:k")
            for round in 1...3 {
                let client = try await here.connect(on: round % 2)
                try await eventually("what was read is too old to rely on") {
                    let answer = try await client.subscribe("note:k", start)
                    try await client.send(#"{"op":"unsubscribe","channel":"note:k"}"#)
                    return answer["head"]?.integer(in: .seq) == round * 2
                }
                // It stays in memory.
                #expect(here.hub.registry.count == 1)
                try await there.publish(2, on: "note:k")
            }
        }
    }

    /// A client that comes from the other node knows more than this one, which has not looked yet.
    @Test func cursorAheadOfThisNodeIsComparedWithTheTape() async throws {
        try await self.withNodes(poll: .seconds(10_000)) { here, there in
            let client = try await here.connect()
            try await client.subscribe("note:k")
            try await there.publish(5, on: "note:k")
            let late = try await here.connect(on: 1)
            let answer = try await late.subscribe("note:k", #""since":4"#)
            #expect(answer["head"]?.integer(in: .seq) == 5)
            #expect(try await late.events(on: "note:k", through: 5) == [5])
            // A connected client receives it as well.
            #expect(try await client.events(on: "note:k", through: 5) == Array(1...5))
            try await late.send(#"{"op":"unsubscribe","channel":"note:k"}"#)
            try await late.expect(1, "unsubscribed")
            try await late.send(#"{"op":"subscribe","channel":"note:k","since":6}"#)
            let refusal = try await late.expect(1, "error")[0]
            #expect(refusal["code"]?.string == "cursor_expired", "\(refusal.json)")
            here.tape.fail(.extents, .before(.unavailable("away")))
            try await late.send(#"{"op":"subscribe","channel":"note:k","since":7}"#)
            #expect(try await late.expect(2, "error")[1]["code"]?.string == "unavailable")
        }
    }

    /// An own commit is on the tape before its answer is here.
    @Test func ownCommitsAreNotTakenForThoseOfTheOther() async throws {
        try await self.withNodes(poll: .seconds(10_000)) { here, there in
            let client = try await here.connect()
            try await client.subscribe("note:k")
            try await client.subscribe("note:l")
            here.tape.appended.close()
            async let seq = here.publish("note:k")
            try await here.tape.appended.waitForArrivals(1)
            try await there.publish("note:l")
            await here.hub.refreshHeads()
            #expect(try await client.events(on: "note:l", through: 1) == [1])
            here.tape.appended.open()
            #expect(try await seq == 1)
            #expect(try await client.events(on: "note:k", through: 1) == [1])
            #expect(here.tape.log.pages.map(\.channel.description) == ["note:l"])
        }
    }

    @Test func nobodyElseWritesToATapeThatIsNotShared() async throws {
        var configuration = HubConfiguration.forTests
        configuration.pollWhileCut = .milliseconds(1)
        configuration.probe = .milliseconds(1)
        try await withHub(configuration) { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            let before = hub.tape.probes.arrivals
            try await hub.tape.probes.waitForArrivals(before + 5)
            #expect(hub.tape.log.extents.isEmpty)
        }
    }
}
