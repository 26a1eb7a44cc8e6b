// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import NIOCore
import TestSupport
import Testing

/// Live delivery.
@Suite(.timeLimit(.minutes(1))) struct SessionShardTests {
    @Test(arguments: [1, 3])
    func everySubscriberGetsEveryEventOnceAndInOrder(loops: Int) async throws {
        try await withHub(loops: loops) { hub in
            var clients: [TestClient] = []
            for index in 0..<9 {
                let client = try await hub.connect(on: index % loops)
                try await client.subscribe("note:a")
                if index % 2 == 0 { try await client.subscribe("note:b") }
                clients.append(client)
            }
            for index in 0..<50 {
                try await hub.publish(index % 3 + 1, on: index % 2 == 0 ? "note:a" : "note:b")
            }
            let (a, b) = (try await hub.publish("note:a"), try await hub.publish("note:b"))
            for (index, client) in clients.enumerated() {
                #expect(try await client.events(on: "note:a", through: a) == Array(1...a))
                if index % 2 == 0 { #expect(try await client.events(on: "note:b", through: b) == Array(1...b)) }
            }
        }
    }

    @Test func framesOfOneTickLeaveInOneFlush() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            for channel in ["note:a", "note:b", "note:c"] { try await client.subscribe(channel) }
            try await hub.settle()
            let before = client.transport.record
            try await hub.publish((0..<30).map { ("note:" + ["a", "b", "c"][$0 % 3], "{}") })
            try await client.events(on: "note:c", through: 10)
            try await hub.settle()
            let after = client.transport.record
            #expect(after.flushes == before.flushes + 1)
            // One shared buffer per channel, not one per event.
            #expect(after.writes == before.writes + 3)
            #expect(after.messages(["event"]).count == 30)
        }
    }

    @Test func answersOfOneReadLeaveInOneFlush() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await hub.settle()
            let before = client.transport.record.flushes
            try await client.send((0..<20).map { #"{"op":"ping","id":\#($0)}"# })
            try await client.expect(20, "pong")
            try await hub.settle()
            #expect(client.transport.record.flushes == before + 1)
        }
    }

    @Test func eventWithSeveralKeysIsOnEachOfItsChannels() async throws {
        try await withHub { hub in
            try await hub.publish(2, on: "note:b")
            let client = try await hub.connect(token: "svc publish:*")
            try await client.subscribe("note:a")
            try await client.subscribe("note:b")
            let event = #"{"type":"note","keys":["b","a"],"id":"e1","data":{"x":1}}"#
            try await client.send(#"{"op":"publish","events":[\#(event)]}"#)
            let events = try await client.expect(2, "event")
            let places = events.map { "\($0["channel"]?.string ?? "") \($0["seq"]?.integer(in: .seq) ?? 0)" }
            #expect(Set(places) == ["note:a 1", "note:b 3"])
            #expect(events.allSatisfy { $0["id"]?.string == "e1" && $0["data"]?.json == #"{"x":1}"# })
        }
    }

    @Test func nobodyIsToldOfOtherChannels() async throws {
        try await withHub(loops: 2) { hub in
            let client = try await hub.connect(on: 1)
            try await client.subscribe("note:a")
            try await hub.settle()
            let before = client.transport.record
            try await hub.publish(5, on: "note:b")
            try await hub.publish(5, on: "price:a")
            try await hub.settle()
            #expect(client.transport.record.writes == before.writes)
            #expect(client.transport.record.looks == before.looks)
        }
    }

    @Test func duplicatesAreNotDeliveredAgain() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            let events = try hub.events([("note:k", "{}")])
            _ = try await hub.hub.writer.append(events)
            _ = try await hub.hub.writer.append(events)
            let last = try await hub.publish("note:k")
            #expect(try await client.events(on: "note:k", through: last) == [1, 2])
        }
    }

    @Test func leavingReordersNobodyElse() async throws {
        try await withHub { hub in
            var clients: [TestClient] = []
            for _ in 0..<5 {
                let client = try await hub.connect()
                try await client.subscribe("note:k")
                clients.append(client)
            }
            var last = 0
            for index in [2, 0, 4, 1] {
                await clients[index].end()
                last = try await hub.publish("note:k")
                #expect(try await clients[3].events(on: "note:k", through: last) == Array(1...last))
            }
            #expect(clients[2].transport.record.events(on: "note:k") == [])
            #expect(clients[4].transport.record.events(on: "note:k") == [1, 2])
            #expect(last == 4)
        }
    }

    @Test func sessionIsFreedWhenItHasEnded() async throws {
        try await withHub { hub in
            weak var session: Session?
            do {
                let loop = hub.loops[0]
                let transport = RecordingTransport()
                let made = try #require(hub.hub.makeSession(on: loop, transport: transport))
                session = made
                let event = #"{"type":"note","key":"k","data":{}}"#
                try await loop.submit {
                    made.assumeIsolated { session in
                        session.opened(token: "u_1 publish:*", now: .now)
                        session.received(Array(#"{"op":"subscribe","channel":"note:k","since":0}"#.utf8))
                        session.received(Array(#"{"op":"publish","events":[\#(event)]}"#.utf8))
                    }
                }.get()
                try await transport.wait(for: "an answer") { !$0.messages(["published"]).isEmpty }
                await made.ended()
            }
            try await hub.settle()
            try await eventually("the session is freed") { session == nil }
        }
    }

    @Test func loopOfAnotherHubHasNoSession() async throws {
        try await withHub { hub in
            let others = Loops.take(2)
            #expect(hub.hub.makeSession(on: others[0], transport: RecordingTransport()) != nil)
            #expect(hub.hub.makeSession(on: others[1], transport: RecordingTransport()) == nil)
        }
    }
}
