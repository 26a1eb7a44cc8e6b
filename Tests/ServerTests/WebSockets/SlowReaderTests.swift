// SPDX-License-Identifier: Apache-2.0

import Hub
import JSON
import TestSupport
import Testing

/// A client that stops reading for a while, with more published than all buffers on the way hold.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct SlowReaderTests {
    private static let events = 300
    private static let padding = String(repeating: "x", count: 40_000)

    private static func transaction(_ number: Int) -> String {
        #"{"type":"transactionUpdate","key":"u_42","id":"t-\#(number)","#
            + #""data":{"type":"p2p","amount":"\#(number)","status":"new","pad":"\#(Self.padding)"}}"#
    }

    private static func rate(_ number: Int) -> String {
        #"{"type":"rateChange","key":"A","id":"r-\#(number)","data":{"rate":"\#(number)","pad":"\#(Self.padding)"}}"#
    }

    private static func balance(_ number: Int) -> String {
        let currency = ["USD", "EUR", "BTC"][number % 3]
        return #"{"type":"balanceUpdate","id":"b-\#(number)","#
            + #""data":{"userId":"u_42","currency":"\#(currency)","balance":"\#(number)","pad":"\#(Self.padding)"}}"#
    }

    /// Opens a subscription and stops reading.
    private static func stalled(_ server: TestServer, _ channel: String) async throws -> Socket {
        let socket = try await server.open(token: try await server.tokens.user("u_42"), receiveBuffer: 16_384)
        try await socket.send(#"{"op":"subscribe","channel":"\#(channel)","snapshot":false}"#)
        try await socket.expect("subscribed")
        try await socket.wire.setReading(false)
        return socket
    }

    enum Ring: Sendable, CaseIterable {
        /// What the client missed is still in memory.
        case large
        /// It has to be read from the tape.
        case small
    }

    @Test(arguments: Ring.allCases)
    func everyTypesComeWholeAndInOrder(_ ring: Ring) async throws {
        var setup = Setup()
        if ring == .small { setup.hub.ringBytes = 0 }
        try await withServer(setup) { server in
            let slow = try await Self.stalled(server, "transactionUpdate")
            let quick = try await server.open(token: try await server.tokens.user("u_42"))
            try await quick.send(#"{"op":"subscribe","channel":"transactionUpdate"}"#)
            try await quick.expect("subscribed")
            for number in 1...Self.events {
                try await server.publish(Self.transaction(number))
                #expect(try await quick.expect("event")["seq"]?.integer(in: .seq) == number)
            }
            try await slow.wire.setReading(true)
            for number in 1...Self.events {
                let event = try await slow.expect("event")
                #expect(event["seq"]?.integer(in: .seq) == number)
                #expect(event["id"]?.string == "t-\(number)")
                #expect(event["skipped"] == nil)
            }
            try await server.publish(Self.transaction(Self.events + 1))
            #expect(try await slow.expect("event")["seq"]?.integer(in: .seq) == Self.events + 1)
        }
    }

    @Test(arguments: Ring.allCases)
    func latestTypesEndWithTheNewestAndCountWhatWasSkipped(_ ring: Ring) async throws {
        var setup = Setup()
        if ring == .small { setup.hub.ringBytes = 0 }
        try await withServer(setup) { server in
            let slow = try await Self.stalled(server, "rateChange:A")
            for number in 1...Self.events { try await server.publish(Self.rate(number)) }
            try await slow.wire.setReading(true)
            var last = 0
            var received = 0
            while last < Self.events {
                let event = try await slow.expect("event")
                let seq = try #require(event["seq"]?.integer(in: .seq))
                #expect(seq > last)
                #expect(event["id"]?.string == "r-\(seq)")
                #expect(event["skipped"]?.integer(in: .seq) ?? 0 == seq - last - 1)
                last = seq
                received += 1
            }
            #expect(last == Self.events)
            #expect(received < Self.events, "nothing was skipped: the client was not slow enough")
            try await server.publish(Self.rate(Self.events + 1))
            let next = try await slow.expect("event")
            #expect(next["seq"]?.integer(in: .seq) == Self.events + 1)
            #expect(next["skipped"] == nil)
        }
    }

    @Test(arguments: Ring.allCases)
    func balancesEndWithTheNewestOfEachCurrency(_ ring: Ring) async throws {
        var setup = Setup()
        if ring == .small { setup.hub.ringBytes = 0 }
        try await withServer(setup) { server in
            let slow = try await Self.stalled(server, "balanceUpdate")
            for number in 1...Self.events { try await server.publish(Self.balance(number)) }
            try await slow.wire.setReading(true)
            var newest: [String: String] = [:]
            var last = 0
            var received = 0
            while last < Self.events {
                let event = try await slow.expect("event")
                let seq = try #require(event["seq"]?.integer(in: .seq))
                #expect(event["skipped"]?.integer(in: .seq) ?? 0 == seq - last - 1)
                last = seq
                received += 1
                let data = try #require(event["data"])
                newest[data["currency"]?.string ?? ""] = data["balance"]?.string
            }
            #expect(received < Self.events, "nothing was skipped: the client was not slow enough")
            #expect(
                newest == [
                    "USD": "\(Self.events)", "EUR": "\(Self.events - 2)", "BTC": "\(Self.events - 1)",
                ]
            )
        }
    }

    /// Answers nobody reads hold up further requests, not the memory of the server.
    @Test
    func requestsOfAClientThatDoesNotReadItsAnswersWait() async throws {
        try await withServer { server in
            for number in 1...20 { try await server.publish(Self.rate(number)) }
            let slow = try await server.open(receiveBuffer: 16_384)
            try await slow.wire.setReading(false)
            for id in 1...50 {
                try await slow.send(#"{"op":"history","id":\#(id),"channel":"rateChange:A","limit":20}"#)
            }
            let quick = try await server.open()
            for _ in 1...20 {
                try await quick.send(#"{"op":"ping"}"#)
                try await quick.expect("pong")
            }
            try await slow.wire.setReading(true)
            for id in 1...50 {
                let page = try await slow.expect("history")
                #expect(page["id"]?.integer(in: .seq) == id)
                #expect(page["events"]?.count ?? 0 > 0)
            }
        }
    }
}
