// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import SQLiteStore
import TestSupport
import Testing

/// `Last-Event-ID` over cuts at any place.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct StreamResumingTests {
    private static let channels = ["rateChange:A", "transactionUpdate:u_42", "chainEvent:0x1"]
    private static let query = "channel=rateChange:A&snapshot=false&channel=transactionUpdate&channel=chainEvent:0x1"

    private static func event(_ channel: String, _ number: Int) -> String {
        switch channel {
        case "rateChange:A":
            #"{"type":"rateChange","key":"A","id":"\#(channel)-\#(number)","data":{"rate":"\#(number)"}}"#
        case "chainEvent:0x1":
            #"{"type":"chainEvent","key":"0x1","id":"\#(channel)-\#(number)","data":{"chain":"c","event":"E","#
                + #""blockNumber":1,"blockHash":"0x","transactionHash":"0x","logIndex":0,"level":"seen"}}"#
        default:
            #"{"type":"transactionUpdate","key":"u_42","id":"\#(channel)-\#(number)","#
                + #""data":{"type":"p2p","amount":"\#(number)","status":"new"}}"#
        }
    }

    /// Publishes at random, reads at random, cuts at random: each channel comes whole, in order, once.
    @Test(arguments: 1...8)
    func everyChannelComesWholeOverAnyCuts(_ seed: Int) async throws {
        try await withServer { server in
            var random = SplitMix(seed: UInt64(seed))
            let token = try await server.tokens.user("u_42")
            var published = [0, 0, 0]
            var seen: [String: [Int]] = [:]
            var source: EventSource?
            var lastID: String?
            for round in 1...40 {
                for _ in 0..<Int.random(in: 0...4, using: &random) {
                    let index = Int.random(in: 0...2, using: &random)
                    published[index] += 1
                    try await server.publish(Self.event(Self.channels[index], published[index]))
                }
                if source == nil {
                    source = try await server.stream(Self.query, token: token, from: lastID)
                    if round == 1 {
                        // What comes before the first subscription is nobody's.
                        for (index, channel) in Self.channels.enumerated() {
                            seen[channel] = Array(0..<published[index] + 1)
                        }
                    }
                }
                guard let stream = source else { continue }
                for _ in 0..<Int.random(in: 0...6, using: &random) {
                    let isAllThere = zip(Self.channels, published).allSatisfy { seen[$0]?.last == $1 }
                    if isAllThere, stream.lastID != nil { break }
                    let event = try #require(try await stream.next())
                    try Self.note(event, in: &seen)
                }
                lastID = stream.lastID ?? lastID
                if lastID != nil, Int.random(in: 0...2, using: &random) == 0 {
                    await stream.wire.close()
                    source = nil
                }
            }
            await source?.wire.close()
            let rest = try await server.stream(Self.query, token: token, from: lastID)
            while !zip(Self.channels, published).allSatisfy({ seen[$0]?.last == $1 }) {
                try Self.note(try #require(try await rest.next()), in: &seen)
            }
            for (channel, count) in zip(Self.channels, published) {
                #expect(seen[channel] == Array(0...count), "seed \(seed), \(channel)")
            }
        }
    }

    private static func note(_ event: EventSource.Event, in seen: inout [String: [Int]]) throws {
        guard event.name == "event" else { return }
        let message = try event.json()
        #expect(event.id != nil)
        #expect(message["skipped"] == nil)
        seen[try #require(message["channel"]?.string), default: []].append(
            try #require(message["seq"]?.integer(in: .seq))
        )
    }

    /// An id holds on another node, and after a restart.
    @Test
    func anIDHoldsOnAnotherNode() async throws {
        try await withTemporaryFolder { folder in
            var lastID: String?
            try await withServer(tape: try await SQLiteTape(path: folder + "/tape.db")) { server in
                let token = try await server.tokens.user("u_42")
                let stream = try await server.stream(Self.query, token: token)
                for number in 1...3 {
                    for channel in Self.channels { try await server.publish(Self.event(channel, number)) }
                }
                for _ in 1...3 { try await stream.expect("subscribed") }
                for _ in 1...4 { try await stream.expect("event") }
                lastID = stream.lastID
            }
            try await withServer(tape: try await SQLiteTape(path: folder + "/tape.db")) { server in
                let token = try await server.tokens.user("u_42")
                let stream = try await server.stream(Self.query, token: token, from: lastID)
                var seen: [String: [Int]] = [:]
                while seen.values.reduce(0, { $0 + $1.count }) < 5 {
                    try Self.note(try #require(try await stream.next()), in: &seen)
                }
                #expect(seen == [Self.channels[0]: [3], Self.channels[1]: [2, 3], Self.channels[2]: [2, 3]])
            }
        }
    }

    /// An expired cursor is reported before the stream starts, so that an `EventSource` does not reconnect.
    @Test
    func anIDThatCannotBeServedIsRefused() async throws {
        var setup = Setup()
        var type = try #require(setup.hub.types["rateChange"])
        type.retention = .seconds(60)
        setup.hub.types = EventTypes(declared: [type])
        try await withServer(setup) { server in
            let stream = try await server.stream("channel=rateChange:A")
            try await stream.expect("subscribed")
            let id = try #require(stream.lastID)
            for number in 1...5 { try await server.publish(Self.event("rateChange:A", number)) }
            await server.hub.prune(now: Timestamp.now.advanced(by: .seconds(3600)))
            let fields = [(name: "Last-Event-ID", value: id), (name: "Accept", value: "text/event-stream")]
            try await server.request(Request("GET", "/stream?channel=rateChange:A", fields: fields))
                .expectProblem(410, "cursor_expired")
        }
    }
}
