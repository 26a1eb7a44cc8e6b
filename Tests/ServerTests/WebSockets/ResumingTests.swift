// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import SQLiteStore
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(1)))
struct ResumingTests {
    enum Storage: Sendable, CaseIterable {
        case memory
        case sqlite
    }

    private static func rate(_ rate: Int) -> String {
        #"{"type":"rateChange","key":"A","id":"r-\#(rate)","data":{"rate":"\#(rate)"}}"#
    }

    private func withTape(_ storage: Storage, _ body: (any Tape) async throws -> Void) async throws {
        switch storage {
        case .memory: try await body(MemoryTape())
        case .sqlite: try await withTemporaryFolder { try await body(try await SQLiteTape(path: $0 + "/tape.db")) }
        }
    }

    @Test(arguments: Storage.allCases, [0, 1, 9, 10])
    func theRestComesInOrderThenCaughtUpThenLive(_ storage: Storage, _ since: Int) async throws {
        try await self.withTape(storage) { tape in
            try await withServer(tape: tape) { server in
                for rate in 1...10 { try await server.publish(Self.rate(rate)) }
                let socket = try await server.open()
                try await socket.send(#"{"op":"subscribe","channel":"rateChange:A","since":\#(since)}"#)
                let subscribed = try await socket.expect("subscribed")
                #expect(subscribed["mode"]?.string == "resumed")
                #expect(subscribed["head"]?.integer(in: .seq) == 10)
                for seq in (since + 1)..<11 {
                    let event = try await socket.expect("event")
                    #expect(event["seq"]?.integer(in: .seq) == seq)
                    #expect(event["id"]?.string == "r-\(seq)")
                    #expect(event["skipped"] == nil)
                }
                let caughtUp = try await socket.expect("caughtUp")
                #expect(caughtUp.written == #"{"op":"caughtUp","channel":"rateChange:A","seq":10}"#)
                try await server.publish(Self.rate(11))
                #expect(try await socket.expect("event")["seq"]?.integer(in: .seq) == 11)
            }
        }
    }

    @Test
    func aNewChannelCanBeResumedFromItsBeginning() async throws {
        try await withServer { server in
            let socket = try await server.open()
            try await socket.send(#"{"op":"subscribe","channel":"rateChange:NEW","since":0}"#)
            #expect(try await socket.expect("subscribed")["head"]?.integer(in: .seq) == 0)
            #expect(try await socket.expect("caughtUp")["seq"]?.integer(in: .seq) == 0)
        }
    }

    @Test
    func theEpochThatIsToldIsTheOneToComeBackWith() async throws {
        try await withServer { server in
            try await server.publish(Self.rate(1), Self.rate(2))
            let first = try await server.open()
            try await first.send(#"{"op":"subscribe","channel":"rateChange:A"}"#)
            let epoch = try #require(try await first.expect("subscribed")["epoch"]?.string)
            let second = try await server.open()
            try await second.send(#"{"op":"subscribe","channel":"rateChange:A","since":1,"epoch":"\#(epoch)"}"#)
            try await second.expect("subscribed")
            #expect(try await second.expect("event")["seq"]?.integer(in: .seq) == 2)
        }
    }

    @Test(arguments: Storage.allCases)
    func cursorsThatCannotBeServedAreRefusedAtOnce(_ storage: Storage) async throws {
        var setup = Setup()
        var type = try #require(setup.hub.types["rateChange"])
        type.retention = .seconds(60)
        setup.hub.types = EventTypes(declared: [type])
        try await self.withTape(storage) { [setup] tape in
            try await withServer(setup, tape: tape) { server in
                for rate in 1...5 { try await server.publish(Self.rate(rate)) }
                let socket = try await server.open()
                await server.hub.prune(now: Timestamp.now.advanced(by: .seconds(3600)))
                for (options, code) in [
                    (#""since":6"#, "cursor_expired"), (#""since":9007199254740991"#, "cursor_expired"),
                    (#""since":0"#, "cursor_expired"), (#""since":3"#, "cursor_expired"),
                    (#""since":4,"epoch":"other""#, "epoch_changed"), (#""epoch":"other""#, "epoch_changed"),
                ] {
                    try await socket.send(#"{"op":"subscribe","id":1,"channel":"rateChange:A",\#(options)}"#)
                    let error = try await socket.expectError(code)
                    #expect(error["id"]?.integer(in: .seq) == 1)
                    #expect(error["channel"]?.string == "rateChange:A")
                    #expect(error["action"]?.string == "snapshot")
                }
                try await socket.send(#"{"op":"subscribe","channel":"rateChange:A","since":4}"#)
                #expect(try await socket.expect("subscribed")["mode"]?.string == "resumed")
                #expect(try await socket.expect("event")["seq"]?.integer(in: .seq) == 5)
                try await socket.expect("caughtUp")
            }
        }
    }

    /// Retention has passed while the channel is in memory.
    @Test
    func aCursorThatExpiresUnderASubscribedChannelIsRefused() async throws {
        var setup = Setup()
        var type = try #require(setup.hub.types["rateChange"])
        type.retention = .seconds(60)
        setup.hub.types = EventTypes(declared: [type])
        try await withServer(setup) { server in
            let reader = try await server.open()
            try await reader.send(#"{"op":"subscribe","channel":"rateChange:A"}"#)
            try await reader.expect("subscribed")
            for rate in 1...5 {
                try await server.publish(Self.rate(rate))
                try await reader.expect("event")
            }
            await server.hub.prune(now: Timestamp.now.advanced(by: .seconds(3600)))
            let late = try await server.open()
            try await late.send(#"{"op":"subscribe","channel":"rateChange:A","since":1}"#)
            try await late.expectError("cursor_expired")
            try await server.publish(Self.rate(6))
            #expect(try await reader.expect("event")["seq"]?.integer(in: .seq) == 6)
        }
    }

    @Test
    func historyComesInPages() async throws {
        try await withServer { server in
            for rate in 1...10 { try await server.publish(Self.rate(rate)) }
            let socket = try await server.open()
            var after = 0
            var seen: [Int] = []
            while seen.count < 10 {
                try await socket.send(
                    #"{"op":"history","id":\#(after),"channel":"rateChange:A","after":\#(after),"limit":4}"#
                )
                let page = try await socket.expect("history")
                #expect(page["id"]?.integer(in: .seq) == after)
                #expect(page["channel"]?.string == "rateChange:A")
                let events = try #require(page["events"]?.elements.compactMap { $0["seq"]?.integer(in: .seq) })
                #expect(!events.isEmpty && events.count <= 4)
                after = try #require(page["next"]?.integer(in: .seq))
                seen += events
            }
            #expect(seen == Array(1...10))
            try await socket.send(#"{"op":"history","channel":"rateChange:A","after":10,"limit":1000}"#)
            let end = try await socket.expect("history")
            #expect(end["events"]?.count == 0)
            #expect(end["next"]?.integer(in: .seq) == 10)
        }
    }

    @Test(arguments: [
        (#""channel":"rateChange:A","after":11"#, "cursor_expired"),
        (#""channel":"rateChange:A","after":-1"#, "bad_request"),
        (#""channel":"rateChange:A","limit":0"#, "bad_request"),
        (#""channel":"rateChange:A","limit":1001"#, "bad_request"),
        (#""channel":"balanceUpdate:u_77""#, "forbidden"), (#""channel":"nothing:A""#, "unknown_type"),
        (#""after":1"#, "bad_request"),
    ])
    func historyThatCannotBeHadIsRefused(_ members: String, _ code: String) async throws {
        try await withServer { server in
            try await server.publish(#"{"type":"balanceUpdate","data":{"userId":"u_77","balance":"1"}}"#)
            let socket = try await server.open(token: try await server.tokens.user("u_42"))
            try await socket.send(#"{"op":"history","id":1,\#(members)}"#)
            #expect(try await socket.expectError(code)["id"]?.integer(in: .seq) == 1)
        }
    }
}
