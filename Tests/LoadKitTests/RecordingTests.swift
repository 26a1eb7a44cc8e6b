// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Testing

@testable import LoadKit

struct RecordingTests {
    private static func event(_ channel: String, id: String, time: Int = 0, data: String = "{}") -> Event {
        Event(
            channel: channel,
            seq: 1,
            id: id,
            time: "2026-11-20T16:00:0\(time)Z",
            data: Array(data.utf8)
        )
    }

    private static func lines(_ bytes: [UInt8]) -> [String] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func anEventOnSeveralChannelsIsOneLine() throws {
        var recording = Recording()
        var bytes = recording.take(Self.event("transactionUpdate:u_1", id: "t"), now: 0)
        bytes += recording.take(Self.event("rateChange:A/B:C", id: "r"), now: 1)
        bytes += recording.take(Self.event("transactionUpdate:u_2", id: "t"), now: 2)
        #expect(bytes.isEmpty)
        bytes += recording.finish()
        #expect(
            Self.lines(bytes) == [
                #"{"type":"transactionUpdate","keys":["u_1","u_2"],"time":"2026-11-20T16:00:00Z","data":{}}"#,
                #"{"type":"rateChange","keys":["A/B:C"],"time":"2026-11-20T16:00:00Z","data":{}}"#,
            ]
        )
        #expect(recording.merged == 1)
        let trace = try TraceReader.read(bytes)
        #expect(trace.entries.map(\.keys) == [["u_1", "u_2"], ["A/B:C"]])
    }

    @Test func sameIdOfOtherContentIsAnotherEvent() {
        var recording = Recording()
        var bytes = recording.take(Self.event("rateChange:a", id: "1", data: #"{"rate":"1"}"#), now: 0)
        bytes += recording.take(Self.event("rateChange:b", id: "1", data: #"{"rate":"2"}"#), now: 0)
        bytes += recording.take(Self.event("rateChange:a", id: "1", time: 1, data: #"{"rate":"1"}"#), now: 0)
        bytes += recording.finish()
        #expect(Self.lines(bytes).count == 3)
        #expect(recording.merged == 0)
    }

    @Test func linesAreReleasedAfterTheDelayInTheirOrder() {
        var recording = Recording(delay: 10)
        #expect(recording.take(Self.event("a:1", id: "1"), now: 0).isEmpty)
        #expect(recording.take(Self.event("a:2", id: "2"), now: 5).isEmpty)
        #expect(Self.lines(recording.release(now: 10)).count == 1)
        #expect(recording.release(now: 14).isEmpty)
        #expect(Self.lines(recording.release(now: 15)).count == 1)
        #expect(recording.lines == 2)
    }

    @Test func noMoreThanTheLimitIsHeld() {
        var recording = Recording(limit: 3, delay: .max)
        let released = (0..<10).flatMap { recording.take(Self.event("a:1", id: "\($0)"), now: 0) }
        #expect(Self.lines(released).count == 7)
        #expect(Self.lines(recording.finish()).count == 3)
    }

    @Test(arguments: [
        ("abc", "abc"), ("a b", "a%20b"), ("rateChange:BTC/USD", "rateChange%3ABTC%2FUSD"), ("ü", "%C3%BC"),
    ])
    func prefixesAreEscaped(text: String, escaped: String) {
        #expect(ChannelListing.escaped(text) == escaped)
    }
}
