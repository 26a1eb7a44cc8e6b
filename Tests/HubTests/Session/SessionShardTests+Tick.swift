// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import NIOCore
import TestSupport
import Testing

/// What happens by the clock: heartbeats, deadlines, silence, goodbye.
@Suite(.timeLimit(.minutes(1))) struct RosterTickTests {
    private static let start = Timestamp.now

    private static func at(_ seconds: Int) -> Timestamp {
        start.advanced(by: .seconds(seconds))
    }

    // MARK: - Heartbeat

    @Test func heartbeatCarriesHeadsThatMoved() async throws {
        try await withHub { hub in
            let client = try await hub.connect(now: Self.start)
            try await client.subscribe("note:a")
            try await client.subscribe("note:b")
            try await client.subscribe("price:c")
            try await hub.publish(3, on: "note:a")
            try await hub.publish(2, on: "note:b")
            try await client.events(on: "note:b", through: 2)
            await hub.tick(Self.at(99))
            try await hub.settle()
            #expect(client.messages("heartbeat").isEmpty)
            await hub.tick(Self.at(100))
            let first = try #require(try await client.expect(1, "heartbeat").first)
            #expect(first.json == #"{"op":"heartbeat","time":"\#(Self.at(100))","heads":{"note:a":3,"note:b":2}}"#)
            #expect(client.transport.record.pings == 1)
            try await hub.publish("price:c")
            try await client.events(on: "price:c", through: 1)
            await hub.tick(Self.at(150))
            await hub.tick(Self.at(200))
            #expect(try await client.expect(2, "heartbeat").last?["heads"]?.json == #"{"price:c":1}"#)
            await hub.tick(Self.at(300))
            #expect(try await client.expect(3, "heartbeat").last?["heads"]?.json == "{}")
            #expect(client.transport.record.pings == 3)
        }
    }

    @Test func headsThatWereToldBySubscribedAreNotRepeated() async throws {
        try await withHub { hub in
            try await hub.publish(4, on: "price:a")
            let client = try await hub.connect(now: Self.start)
            try await client.subscribe("price:a")
            await hub.tick(Self.at(100))
            #expect(try await client.expect(1, "heartbeat").first?["heads"]?.json == "{}")
        }
    }

    @Test func heartbeatTellsAConnectionThatIsNotWritableThatItIsBehind() async throws {
        try await withHub { hub in
            let client = try await hub.connect(now: Self.start)
            try await client.subscribe("note:a")
            try await client.becomeUnwritable()
            try await hub.publish(4, on: "note:a")
            await hub.tick(Self.at(100))
            #expect(try await client.expect(1, "heartbeat").first?["heads"]?.json == #"{"note:a":4}"#)
            #expect(client.messages("event").isEmpty)
        }
    }

    @Test func headsAreNotToldBeforeTheirEvents() async throws {
        try await withHub { hub in
            let client = try await hub.connect(now: Self.start)
            try await client.subscribe("note:a")
            try await hub.publish("note:a")
            await hub.tick(Self.at(100))
            try await client.expect(1, "heartbeat")
            #expect(client.messages("event", "heartbeat").map { $0["op"]?.string } == ["event", "heartbeat"])
        }
    }

    // MARK: - Deadlines

    @Test func silentClientHasToAuthenticateOrSubscribe() async throws {
        try await withHub { hub in
            let nobody = try await hub.connect(now: Self.start)
            let user = try await hub.connect(token: "u_1", now: Self.start)
            let reader = try await hub.connect(now: Self.start)
            try await reader.subscribe("note:k")
            await hub.tick(Self.at(999))
            try await hub.settle()
            #expect(!nobody.isClosed)
            await hub.tick(Self.at(1_000))
            let reason = try await nobody.closing()
            #expect(reason.code == 4501)
            try await hub.settle()
            #expect(!user.isClosed)
            #expect(!reader.isClosed)
        }
    }

    @Test func refusedSubscriptionDoesNotCount() async throws {
        try await withHub { hub in
            let client = try await hub.connect(now: Self.start)
            try await client.send(#"{"op":"subscribe","id":1,"channel":"note:k","since":7}"#, #"{"op":"ping","id":2}"#)
            try await client.answer(2)
            await hub.tick(Self.at(1_000))
            #expect(try await client.closing().code == 4501)
        }
    }

    @Test func expiredTokenEndsTheSession() async throws {
        try await withHub { hub in
            let end = Self.at(500).nanoseconds
            let client = try await hub.connect(token: "u_1 until=\(end)", now: Self.start)
            await hub.tick(Timestamp(nanoseconds: end - 1))
            try await hub.settle()
            #expect(!client.isClosed)
            await hub.tick(Timestamp(nanoseconds: end))
            #expect(try await client.closing() == .tokenExpired)
        }
    }

    @Test func refreshedTokenCountsFromThenOn() async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "u_1 until=\(Self.at(50).nanoseconds)", now: Self.start)
            try await client.send(#"{"op":"auth","id":1,"token":"u_1 until=\#(Self.at(90).nanoseconds)"}"#)
            try await client.answer(1, op: "authenticated")
            await hub.tick(Self.at(60))
            try await hub.settle()
            #expect(!client.isClosed)
            await hub.tick(Self.at(90))
            #expect(try await client.closing() == .tokenExpired)
        }
    }

    @Test func silentConnectionIsEnded() async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "u_1")
            let heard = NIODeadline.uptimeNanoseconds(1_000_000_000_000_000)
            client.transport.setLastHeard(heard)
            await hub.tick(uptime: heard + .seconds(10_000))
            try await hub.settle()
            #expect(!client.isClosed)
            await hub.tick(uptime: heard + .seconds(10_000) + .nanoseconds(1))
            #expect(try await client.closing() == .heartbeatTimeout)
        }
    }

    @Test func eventsAfterATimeoutGoNowhere() async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "u_1 until=\(Self.at(500).nanoseconds)", now: Self.start)
            let other = try await hub.connect()
            try await client.subscribe("note:k")
            try await other.subscribe("note:k")
            await hub.tick(Self.at(500))
            try await client.closing()
            try await hub.publish("note:k")
            #expect(try await other.events(on: "note:k", through: 1) == [1])
            await client.end()
            try await hub.publish("note:k")
            #expect(try await other.events(on: "note:k", through: 2) == [1, 2])
            #expect(client.messages("event").isEmpty)
        }
    }

    // MARK: - Goodbye

    @Test func drainingSaysGoodbyeToEveryone() async throws {
        var configuration = HubConfiguration.forTests
        configuration.drainWindow = .milliseconds(4_000)
        let clients = Watched<[TestClient]>([])
        try await withHub(configuration, loops: 2) { hub in
            for index in 0..<6 {
                let client = try await hub.connect(on: index % 2)
                try await client.subscribe("note:k")
                clients.change { $0.append(client) }
            }
            hub.hub.shutDown()
            for client in clients.value {
                let reason = try await client.closing()
                let goodbye = try #require(client.messages("goodbye").first)
                let delay = try #require(goodbye["reconnectAfter"]?.integer(in: .seq))
                #expect(goodbye["reason"]?.string == "draining")
                #expect((0...4_000).contains(delay))
                #expect(reason == .draining(reconnectAfter: delay))
                #expect(reason.text == "draining;retry=\(delay)")
                #expect(client.messages().last?["op"]?.string == "goodbye")
            }
        }
    }

    @Test func whatWasHandedInIsSettledBeforeGoodbye() async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "svc publish:*")
            try await client.subscribe("note:k")
            hub.tape.appends.close()
            try await client.send(#"{"op":"publish","id":1,"events":[{"type":"note","key":"k","data":{}}]}"#)
            try await hub.tape.appends.waitForArrivals(1)
            hub.hub.shutDown()
            try await client.send(#"{"op":"publish","id":2,"events":[{"type":"note","key":"k","data":{}}]}"#)
            hub.tape.appends.open()
            try await client.closing()
            try await client.answer(1, op: "published")
            let ops = client.messages("published", "event", "goodbye").map { $0["op"]?.string }
            #expect(ops.first == "event")
            #expect(ops.last == "goodbye")
            #expect(client.transport.record.messages.filter { $0["id"]?.integer(in: .seq) == 2 }.count == 1)
        }
    }
}
