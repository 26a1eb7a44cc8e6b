// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import NIOCore
import TestSupport
import Testing

@Suite struct FrameEncoderTests {
    private static let name = ChannelName(type: "balanceUpdate", key: "u_42")
    private static let entry = TapeEntry(
        seq: 1082,
        id: "b-1",
        time: Timestamp(nanoseconds: 1_795_190_400_000_000_000),
        data: Array(#"{"balance":"1"}"#.utf8),
        slot: "USD"
    )

    @Test(arguments: [
        (
            FrameEncoder.Operation.event, 0,
            #"{"op":"event","channel":"balanceUpdate:u_42","seq":1082,"#
        ),
        (
            .event, 3,
            #"{"op":"event","channel":"balanceUpdate:u_42","seq":1082,"skipped":3,"#
        ),
        (
            .snapshot, 0,
            #"{"op":"snapshot","channel":"balanceUpdate:u_42","seq":1082,"#
        ),
    ])
    func framesAreAsTheProtocolShows(operation: FrameEncoder.Operation, skipped: Int, beginning: String) {
        let encoder = FrameEncoder(channel: Self.name, framing: .bare)
        let text = beginning + #""id":"b-1","time":"2026-11-20T16:00:00Z","data":{"balance":"1"}}"#
        #expect(String(buffer: encoder.frame(operation, Self.entry, skipped: skipped)) == text)
    }

    @Test func namesAndIDsAreEscaped() throws {
        let name = ChannelName(type: "t", key: #"a"\é"#)
        var entry = Self.entry
        entry.id = "q\"\n"
        let frame = FrameEncoder(channel: name, framing: .bare).frame(.event, entry)
        let message = try JSON.Value.parse(Array(frame.readableBytesView))
        #expect(message["channel"]?.string == name.description)
        #expect(message["id"]?.string == entry.id)
    }

    @Test func runOfNothingIsNil() {
        #expect(FrameEncoder(channel: Self.name, framing: .bare).run([]) == nil)
    }

    @Test(arguments: [1, 2, 7])
    func sliceFromEachNumberIsTheRestOfTheFrames(count: Int) throws {
        let entries = ChannelStateTests.entries(10...9 + count, size: 5)
        let encoder = FrameEncoder(channel: Self.name, framing: .counted)
        let run = try #require(encoder.run(entries))
        #expect(run.first == 10)
        #expect(run.last == 9 + count)
        for (index, entry) in entries.enumerated() {
            var expected = ByteBuffer()
            for rest in entries[index...] {
                expected.writeImmutableBuffer(encoder.frame(.event, rest))
            }
            #expect(run.frames(from: entry.seq) == expected)
        }
        #expect(run.frames(from: 9) == nil)
        #expect(run.frames(from: 10 + count) == nil)
    }

    @Test func sliceOfARunWhoseBufferDoesNotBeginAtZeroIsRight() throws {
        var bytes = ByteBuffer(string: "xxaabbbcc")
        bytes.moveReaderIndex(forwardBy: 2)
        let run = FrameRun(first: 1, bytes: bytes, ends: [2, 5, 7])
        #expect(run.frames(from: 1).map { String(buffer: $0) } == "aabbbcc")
        #expect(run.frames(from: 2).map { String(buffer: $0) } == "bbbcc")
        #expect(run.frames(from: 3).map { String(buffer: $0) } == "cc")
    }

    // MARK: - Framing

    @Test func headerStandsInFrontOfEachMessage() {
        var frames = Framing.counted.frame(Array("abc".utf8))
        Framing.counted.append([], to: &frames)
        Framing.counted.append(Array("d".utf8), to: &frames)
        #expect(Array(frames.readableBytesView) == [0, 0, 0, 3, 0x61, 0x62, 0x63, 0, 0, 0, 0, 0, 0, 0, 1, 0x64])
    }

    @Test func bareFramesAreTheMessages() {
        #expect(String(buffer: Framing.bare.frame(Array("abc".utf8))) == "abc")
    }
}
