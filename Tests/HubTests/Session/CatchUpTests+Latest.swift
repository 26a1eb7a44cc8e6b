// SPDX-License-Identifier: Apache-2.0

import JSON
import TestSupport
import Testing

/// Conflation: what types with delivery `latest` give a connection that cannot keep up.
@Suite(.timeLimit(.minutes(1))) struct ConflationTests {
    private static func story(_ client: TestClient) -> [String] {
        client.messages("event").map { event in
            let seq = event["seq"]?.integer(in: .seq) ?? -1
            return event["skipped"]?.integer(in: .seq).map { "\(seq) skipped \($0)" } ?? "\(seq)"
        }
    }

    @Test func writableConnectionGetsEveryEvent() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("price:k")
            for _ in 0..<5 { try await hub.publish(2, on: "price:k") }
            try await client.events(on: "price:k", through: 10)
            #expect(Self.story(client) == (1...10).map { "\($0)" })
        }
    }

    @Test func slowConnectionGetsTheNewestWithACount() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("price:k")
            try await hub.publish("price:k")
            try await client.events(on: "price:k", through: 1)
            try await client.becomeUnwritable()
            for number in 2...9 { try await hub.publish("price:k", #"{"n":\#(number)}"#) }
            try await client.becomeWritable()
            try await client.events(on: "price:k", through: 9)
            #expect(Self.story(client) == ["1", "9 skipped 7"])
            #expect(client.messages("event").last?["data"]?.json == #"{"n":9}"#)
            try await hub.publish("price:k")
            try await client.events(on: "price:k", through: 10)
            #expect(Self.story(client) == ["1", "9 skipped 7", "10"])
        }
    }

    @Test func onlyOneMissedIsNotSkipped() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("price:k")
            try await client.becomeUnwritable()
            try await hub.publish("price:k")
            try await client.becomeWritable()
            try await client.events(on: "price:k", through: 1)
            #expect(Self.story(client) == ["1"])
        }
    }

    @Test func newestOfEachSlotIsGiven() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("purse:k")
            try await client.becomeUnwritable()
            for currency in ["EUR", "USD", "EUR", "GBP", "USD", "USD"] {
                try await hub.publish("purse:k", #"{"currency":"\#(currency)"}"#)
            }
            try await client.becomeWritable()
            try await client.events(on: "purse:k", through: 6)
            #expect(Self.story(client) == ["3 skipped 2", "4", "6 skipped 1"])
            #expect(client.messages("event").map { $0["data"]?["currency"]?.string } == ["EUR", "GBP", "USD"])
        }
    }

    @Test func slotsThatDidNotChangeAreNotGivenAgain() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("purse:k")
            try await hub.publish("purse:k", #"{"currency":"EUR"}"#)
            try await client.events(on: "purse:k", through: 1)
            try await client.becomeUnwritable()
            try await hub.publish(3, on: "purse:k")
            try await client.becomeWritable()
            try await client.events(on: "purse:k", through: 4)
            #expect(Self.story(client) == ["1", "4 skipped 2"])
        }
    }

    @Test func moreSlotsThanAnyoneHasAreAllGiven() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("purse:k")
            try await client.becomeUnwritable()
            try await hub.publish((0..<700).map { ("purse:k", #"{"currency":"C\#($0)"}"#) })
            try await hub.publish("purse:k", #"{"currency":"C0"}"#)
            try await client.becomeWritable()
            try await client.events(on: "purse:k", through: 701)
            let last = client.messages("event").reduce(into: [String: Int]()) { newest, event in
                newest[event["data"]?["currency"]?.string ?? ""] = event["seq"]?.integer(in: .seq)
            }
            #expect(last.count == 700)
            #expect(last["C0"] == 701)
            #expect((1..<700).allSatisfy { last["C\($0)"] == $0 + 1 })
        }
    }

    @Test func everyTypesNeverSkip() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            try await client.becomeUnwritable()
            for _ in 0..<50 { try await hub.publish(3, on: "note:k") }
            try await client.becomeWritable()
            try await client.events(on: "note:k", through: 150)
            #expect(Self.story(client) == (1...150).map { "\($0)" })
        }
    }

    // MARK: - Interval

    @Test func intervalIsForLatestTypesOnly() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.send(#"{"op":"subscribe","id":1,"channel":"note:k","interval":10}"#)
            #expect(try await client.answer(1, op: "error")["code"]?.string == "bad_request")
            #expect(await hub.subscriptionCount() == 0)
        }
    }

    @Test func firstEventComesAtOnceAndTheNextWaits() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("price:k", #""interval":3600000"#)
            try await hub.publish("price:k")
            try await client.events(on: "price:k", through: 1)
            for _ in 0..<5 { try await hub.publish("price:k") }
            try await hub.settle()
            try await client.send(#"{"op":"ping","id":1}"#)
            try await client.answer(1)
            #expect(Self.story(client) == ["1"])
        }
    }

    @Test func newestComesWhenTheIntervalHasPassed() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("price:k", #""interval":20"#)
            try await hub.publish("price:k")
            try await client.events(on: "price:k", through: 1)
            try await hub.publish(7, on: "price:k")
            try await client.events(on: "price:k", through: 8)
            #expect(Self.story(client).last?.hasPrefix("8") == true)
            let skipped = client.messages("event").reduce(0) { $0 + ($1["skipped"]?.integer(in: .seq) ?? 0) }
            #expect(client.messages("event").count + skipped == 8)
        }
    }

    @Test func restingSubscriptionGoesOnAfterItsConnectionWasFull() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("price:k", #""interval":1"#)
            for round in 1...10 {
                try await client.becomeUnwritable()
                try await hub.publish(3, on: "price:k")
                try await hub.settle()
                try await client.becomeWritable()
                try await client.events(on: "price:k", through: round * 3)
            }
            let skipped = client.messages("event").reduce(0) { $0 + ($1["skipped"]?.integer(in: .seq) ?? 0) }
            #expect(client.messages("event").count + skipped == 30)
        }
    }
}
