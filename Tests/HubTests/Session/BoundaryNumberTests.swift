// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

/// Numbers of clients and publishers at the limits: each is answered, and the hub continues.
@Suite(.timeLimit(.minutes(1))) struct BoundaryNumberTests {
    @Test func historyAnswersEveryNumber() async throws {
        try await withHub { hub in
            try await hub.publish(3, on: "note:k")
            let client = try await hub.connect()
            for (id, number) in BoundaryNumbers.json.enumerated() {
                try await client.send(#"{"op":"history","id":\#(id),"channel":"note:k","after":\#(number.text)}"#)
                let answer = try await client.answer(id)
                guard let after = number.seq else {
                    #expect(answer["code"]?.string == "bad_request", "\(number.text): \(answer.json)")
                    continue
                }
                guard after <= 3 else {
                    #expect(answer["code"]?.string == "cursor_expired", "\(number.text): \(answer.json)")
                    continue
                }
                #expect(answer["op"]?.string == "history", "\(number.text): \(answer.json)")
                #expect(answer["events"]?.count == 3 - after, "\(number.text)")
                #expect(answer["next"]?.integer(in: .seq) == 3, "\(number.text)")
            }
            #expect(!client.isClosed)
        }
    }

    @Test func limitAndIntervalAreWithinTheirOwnLimits() async throws {
        try await withHub { hub in
            try await hub.publish(3, on: "note:k")
            let client = try await hub.connect()
            for (index, number) in BoundaryNumbers.json.enumerated() {
                let (one, other) = (2 * index, 2 * index + 1)
                try await client.send(#"{"op":"history","id":\#(one),"channel":"note:k","limit":\#(number.text)}"#)
                try await client.send(
                    #"{"op":"subscribe","id":\#(other),"channel":"price:\#(index)","interval":\#(number.text)}"#
                )
                let isRight = number.seq == 1
                #expect(try await client.answer(one)["op"]?.string == (isRight ? "history" : "error"), "\(number.text)")
                #expect(
                    try await client.answer(other)["op"]?.string == (isRight ? "subscribed" : "error"),
                    "\(number.text)"
                )
            }
        }
    }

    @Test func subscribeAnswersEveryNumber() async throws {
        try await withHub { hub in
            try await hub.publish(3, on: "note:k")
            for number in BoundaryNumbers.json {
                let client = try await hub.connect()
                try await client.send(#"{"op":"subscribe","id":1,"channel":"note:k","since":\#(number.text)}"#)
                let answer = try await client.answer(1)
                let expected = number.seq.map { $0 <= 3 ? "" : "cursor_expired" } ?? "bad_request"
                #expect(answer["code"]?.string ?? "" == expected, "\(number.text): \(answer.json)")
                try await client.send(#"{"op":"ping","id":2}"#)
                try await client.answer(2, op: "pong")
            }
        }
    }

    // MARK: - The fan-in

    /// A strict source whose numbers end where they can, on two lives of the hub: the second one begins after the mark.
    @Test func strictNumbersReachTheirEnd() async throws {
        let store = RecordingFanInStore()
        let greatest = 9_007_199_254_740_991
        func message(_ seq: Int, _ more: String = "") -> String {
            #"{"type":"note","key":"k","source":"s","sourceSeq":\#(seq),"sourceOrder":"strict"\#(more),"data":{"n":1}}"#
        }
        for life in 1...2 {
            try await FanInTests.withFanIn(store: store) { ground in
                let client = try await ground.hub.connect()
                try await client.subscribe("note:k", #""since":0"#)
                ground.source.send("rate.x", message(greatest, #","sourceFirst":true"#))
                for number in BoundaryNumbers.json where number.seq == nil {
                    ground.source.send(
                        "rate.x",
                        #"{"type":"note","key":"k","source":"s","sourceSeq":\#(number.text),"data":{"n":2}}"#
                    )
                }
                ground.source.send("rate.x", message(5))
                ground.source.send("rate.x", #"{"type":"note","key":"k","id":"last-\#(life)","data":{"n":3}}"#)
                try await client.events(on: "note:k", through: 3)
                try await store.wait(for: "the mark") { $0.marks["s"]?.seq == greatest }
            }
        }
    }

    /// Each gap is within the limits, and their sum is not within 64 bits.
    @Test func gapsAreSummedWithoutATrap() async throws {
        try await FanInTests.withFanIn { ground in
            let client = try await ground.hub.connect()
            try await client.subscribe("note:k")
            for source in 0..<1_100 {
                ground.source.send("rate.x", FanInTests.note("k", seq: 1, source: "s\(source)", id: "a"))
                ground.source.send(
                    "rate.x",
                    FanInTests.note("k", seq: 9_007_199_254_740_991, source: "s\(source)", id: "b")
                )
            }
            try await client.events(on: "note:k", through: 2_200)
            let tally = await ground.fanIn.tally
            #expect(tally.gaps == 1_100)
            #expect(tally.missing == .max)
        }
    }

    @Test func sumsStayAtTheEnd() {
        var sum = Int.max - 1
        sum.addClamped(1)
        #expect(sum == .max)
        sum.addClamped(9_007_199_254_740_991)
        #expect(sum == .max)
        sum = .min
        sum.addClamped(-1)
        #expect(sum == .min)
    }
}
