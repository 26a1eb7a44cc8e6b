// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import NIOCore
import TestSupport
import Testing

struct HistogramTests {
    @Test(arguments: [
        (0.0, 0), (1, 0), (1.5, 1), (2, 1), (2.1, 2), (9_999, 12), (10_001, 13), (.infinity, 13),
    ])
    func aValueCountsInTheFirstBucketThatHoldsIt(value: Double, bucket: Int) {
        var histogram = Histogram(.count)
        histogram.observe(value)
        #expect(histogram.counts.firstIndex(of: 1) == bucket)
        #expect(histogram.count == 1)
    }

    @Test func timesAreInSecondsAndNeverNegative() {
        var histogram = Histogram(.latency)
        histogram.observe(TimeAmount.milliseconds(3))
        histogram.observe(Duration.milliseconds(250))
        histogram.observe(TimeAmount.seconds(-5))
        #expect(abs(histogram.sum - 0.253) < 1e-9)
        #expect(histogram.counts.first == 1)
    }

    @Test func severalAreAddedUp() {
        var one = Histogram(.count)
        one.observe(1)
        one.observe(3)
        var other = Histogram(.count)
        other.observe(3)
        one.add(other)
        #expect(one.count == 3)
        #expect(one.sum == 7)
        #expect(one.counts[2] == 2)
    }
}

@Suite(.timeLimit(.minutes(1)))
struct FiguresTests {
    @Test func eventsAreCountedByTypeAndResult() async throws {
        try await withHub { hub in
            let events = try hub.events([("note:a", "{}"), ("note:b", "{}"), ("price:c", "{}")])
            _ = try await hub.hub.writer.append(events)
            _ = try await hub.hub.writer.append(events)
            var changed = events[0]
            changed.data = Array(#"{"other":true}"#.utf8)
            changed.fingerprint = Fingerprint(type: changed.type, keys: changed.keys, time: nil, data: changed.data)
            _ = try await hub.hub.writer.append([changed])
            let figures = await hub.hub.writer.figures
            #expect(figures.events["note"] == [.accepted: 2, .duplicate: 2, .conflict: 1])
            #expect(figures.events["price"] == [.accepted: 1, .duplicate: 1])
            #expect(figures.commit.count == 3)
            #expect(figures.batch.sum == 7)
            #expect(figures.age.count == 6)
        }
    }

    @Test func eventsOfAnyAgeAreCounted() async throws {
        try await withHub { hub in
            var events = try hub.events([("note:a", "{}"), ("note:b", "{}")])
            events[0].time = Timestamp(nanoseconds: .min)
            events[1].time = Timestamp(nanoseconds: .max)
            _ = try await hub.hub.writer.append(events)
            let age = await hub.hub.writer.figures.age
            #expect(age.count == 2)
            #expect(age.counts.first == 1 && age.counts.last == 1)
        }
    }

    @Test func whatFailsIsCounted() async throws {
        try await withHub { hub in
            hub.tape.fail(.append, .before(.unavailable("away")))
            let events = try hub.events([("note:a", "{}")])
            await #expect(throws: AppendFault.self) { try await hub.hub.writer.append(events) }
            #expect(await hub.hub.writer.figures.events["note"] == [.failed: 1])
        }
    }

    @Test func refusalsAreCountedByCode() async throws {
        try await withHub { hub in
            #expect(throws: IntakeFault.self) { try hub.events([("nothing:a", "{}")]) }
            #expect(throws: IntakeFault.self) { try hub.events([("nothing:a", "{}")]) }
            #expect(hub.hub.publisher.validator.rejections.all == [.unknownType: 2])
        }
    }

    @Test func deliveriesAndClosesAreCounted() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            try await hub.publish("note:k")
            try await client.expect(1, "event")
            let shard = hub.hub.shards[0]
            #expect(await shard.figures.sessions == 1)
            #expect(await shard.figures.commitToSend.count == 1)
            await client.session.ended(code: 1001)
            let other = try await hub.connect()
            await other.session.ended(code: 3999)
            #expect(await shard.figures.closes == [1001: 1, SessionShardMetrics.otherCode: 1])
        }
    }

    /// Frames that could not be written to anyone are not held for a flush that may never happen, nor counted as sent
    /// later.
    @Test func whatNobodyTakesIsNotCountedAsSent() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            try await client.becomeUnwritable()
            for _ in 1...3 { try await hub.publish("note:k") }
            try await client.becomeWritable(1_000)
            try await client.events(on: "note:k", through: 3)
            try await hub.settle()
            #expect(await hub.hub.shards[0].figures.commitToSend.count == 0)
        }
    }

    @Test func aLoopThatComesLateIsSeen() async throws {
        try await withHub { hub in
            let shard = hub.hub.shards[0]
            let before = await shard.figures.lag
            let start = NIODeadline.now() + .hours(1)
            await shard.probe(uptime: start)
            await shard.probe(uptime: start + SessionShard.probeInterval + .milliseconds(40))
            let lag = await shard.figures.lag
            #expect(lag.count >= before.count + 1)
            #expect(lag.counts[8] >= 1)
        }
    }
}
