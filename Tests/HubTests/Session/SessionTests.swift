// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

/// Messages, history, and what a client may have under way.
@Suite(.timeLimit(.minutes(1))) struct SessionTests {
    @Test func pingIsAnsweredWithItsID() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.send(#"{"op":"ping"}"#, #"{"op":"ping","id":"a\u0041"}"#, #"{"op":"ping","id":[1]}"#)
            #expect(
                try await client.expect(3, "pong").map(\.json)
                    == [#"{"op":"pong"}"#, #"{"op":"pong","id":"a\u0041"}"#, #"{"op":"pong"}"#]
            )
        }
    }

    @Test(arguments: [
        "", "{", "nonsense", #"{"op":"ping"} x"#, #"{"op":"ping","op":"ping"}"#, "[]", "7", "null", #""ping""#,
    ])
    func whatIsNoJSONObjectEndsTheConnection(text: String) async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.send(text, #"{"op":"ping"}"#)
            let reason = try await client.closing()
            #expect(reason.code == 4500)
            #expect(client.messages("pong").isEmpty)
            #expect(await hub.sessionCount() == 0)
        }
    }

    @Test func binaryMessageEndsTheConnection() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            await client.session.receivedBinary()
            #expect(try await client.closing().code == 4500)
            #expect(await hub.sessionCount() == 0)
        }
    }

    @Test func misunderstandingsAreAnsweredAndHarmless() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.send(
                #"{"op":"dance","id":1}"#,
                #"{"id":2}"#,
                #"{"op":"subscribe","id":3}"#,
                #"{"op":"ping","id":4}"#
            )
            #expect(try await client.answer(1)["code"]?.string == "unknown_op")
            #expect(try await client.answer(2)["code"]?.string == "bad_request")
            #expect(try await client.answer(3)["code"]?.string == "bad_request")
            try await client.answer(4, op: "pong")
            #expect(!client.isClosed)
        }
    }

    @Test func endedSessionDoesNothing() async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "u publish:*")
            await client.end()
            await client.end()
            let before = client.transport.record.writes
            try await client.send(
                #"{"op":"ping"}"#,
                "nonsense",
                #"{"op":"subscribe","channel":"note:k"}"#,
                #"{"op":"publish","events":[{"type":"note","key":"k","data":{}}]}"#
            )
            try await client.becomeWritable()
            try await hub.settle()
            #expect(client.transport.record.writes == before)
            #expect(hub.tape.log.batches.isEmpty)
            #expect(!client.isClosed)
        }
    }

    // MARK: - History

    @Test func historyIsAPage() async throws {
        try await withHub { hub in
            for number in 1...5 { try await hub.publish("note:k", #"{"n":\#(number)}"#) }
            let client = try await hub.connect()
            try await client.send(#"{"op":"history","id":1,"channel":"note:k","after":1,"limit":2}"#)
            let page = try await client.answer(1, op: "history")
            #expect(page["channel"]?.string == "note:k")
            #expect(page["events"]?.elements.map { $0["seq"]?.integer(in: .seq) } == [2, 3])
            #expect(page["events"]?.elements.map { $0["data"]?.json } == [#"{"n":2}"#, #"{"n":3}"#])
            #expect(page["next"]?.integer(in: .seq) == 3)
            try await client.send(#"{"op":"history","id":2,"channel":"note:k","after":5}"#)
            let end = try await client.answer(2, op: "history")
            #expect(end["events"]?.count == 0)
            #expect(end["next"]?.integer(in: .seq) == 5)
            try await client.send(#"{"op":"history","id":3,"channel":"note:k"}"#)
            #expect(
                try await client.answer(3)["events"]?.elements.map { $0["seq"]?.integer(in: .seq) } == [1, 2, 3, 4, 5]
            )
        }
    }

    @Test(arguments: [
        (#""channel":"note:k","after":6"#, "cursor_expired"), (#""channel":"mine:x""#, "not_authenticated"),
        (#""channel":"mine""#, "not_authenticated"), (#""channel":"nope:x""#, "unknown_type"),
        (#""channel":"note:k","limit":0"#, "bad_request"),
    ])
    func historyThatCannotBeGivenIsAnError(members: String, code: String) async throws {
        try await withHub { hub in
            try await hub.publish(5, on: "note:k")
            let client = try await hub.connect()
            try await client.send(#"{"op":"history","id":1,\#(members)}"#)
            #expect(try await client.answer(1, op: "error")["code"]?.string == code)
        }
    }

    @Test func historyOfAnUnusedChannelIsEmpty() async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "u_1")
            try await client.send(#"{"op":"history","id":1,"channel":"mine"}"#)
            let page = try await client.answer(1, op: "history")
            #expect(page["channel"]?.string == "mine:u_1")
            #expect(page["events"]?.count == 0)
            #expect(page["next"]?.integer(in: .seq) == 0)
        }
    }

    @Test func unreadableHistoryIsUnavailable() async throws {
        try await withHub { hub in
            hub.tape.fail(.page, .before(.damaged("page 7")))
            let client = try await hub.connect()
            try await client.send(#"{"op":"history","id":1,"channel":"note:k","after":0}"#)
            let answer = try await client.answer(1, op: "error")
            #expect(answer["code"]?.string == "unavailable")
            #expect(answer["message"]?.string?.contains("page 7") == false)
        }
    }

    // MARK: - Bounds

    @Test func longBacklogStopsReadingUntilItIsWorkedOff() async throws {
        var configuration = HubConfiguration.forTests
        configuration.session.backlogBytes = 1_000
        try await withHub(configuration) { hub in
            hub.tokens.close()
            let client = try await hub.connect()
            try await client.send(#"{"op":"auth","token":"u_1"}"#)
            #expect(await client.session.takesMessages)
            let padding = String(repeating: "x", count: 500)
            try await client.send((1...3).map { #"{"op":"ping","id":\#($0),"padding":"\#(padding)"}"# })
            #expect(await client.session.takesMessages == false)
            let before = client.transport.record.resumptions
            hub.tokens.open()
            try await client.answer(3, op: "pong")
            #expect(await client.session.takesMessages)
            #expect(client.transport.record.resumptions > before)
            #expect(client.messages("pong").map { $0["id"]?.integer(in: .seq) } == [1, 2, 3])
        }
    }

    /// A client that asks and does not read must not fill the hub's memory with answers.
    @Test func requestsWaitWhileAnswersAreNotRead() async throws {
        var configuration = HubConfiguration.forTests
        configuration.session.backlogBytes = 10_000
        try await withHub(configuration) { hub in
            let client = try await hub.connect()
            try await client.becomeUnwritable()
            let before = client.transport.record.writes
            try await client.send((1...1_000).map { #"{"op":"ping","id":\#($0)}"# })
            try await hub.settle()
            #expect(client.transport.record.writes <= before + 1)
            #expect(await client.session.takesMessages == false)
            try await client.becomeWritable()
            try await client.answer(1_000, op: "pong")
            #expect(client.messages("pong").map { $0["id"]?.integer(in: .seq) } == Array(1...1_000))
            #expect(await client.session.takesMessages)
        }
    }

    @Test func requestBehindABacklogDoesNotOvertakeIt() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.becomeUnwritable()
            try await client.send(#"{"op":"ping","id":1}"#)
            // There is room again, but the session has not been notified yet.
            client.transport.setRoom(.max)
            try await client.send(#"{"op":"ping","id":2}"#)
            try await client.becomeWritable()
            try await client.answer(2)
            #expect(client.messages("pong").map { $0["id"]?.integer(in: .seq) } == [1, 2])
        }
    }

    @Test func requestsGoOnlyAsFarAsThereIsRoom() async throws {
        try await withHub { hub in
            try await hub.publish(10, on: "note:k", #"{"x":"\#(String(repeating: "x", count: 10_000))"}"#)
            let client = try await hub.connect()
            try await client.becomeUnwritable()
            try await client.send((1...20).map { #"{"op":"history","id":\#($0),"channel":"note:k"}"# })
            for answered in 1...20 {
                try await client.becomeWritable(50_000)
                try await client.answer(answered, op: "history")
                try await hub.settle()
                try #require(client.messages("history").count == answered)
            }
        }
    }
}
