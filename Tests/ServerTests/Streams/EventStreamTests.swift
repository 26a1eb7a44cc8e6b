// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import NIOCore
import TestSupport
import Testing

@testable import Server

struct EventStreamTests {
    private static let rate = ChannelName(type: "rateChange", key: "A\"\n;B")
    private static let balance = ChannelName(type: "balanceUpdate", key: "u_42")
    private static let time = "2026-11-20T16:00:00Z"

    private static func message(_ op: String, _ channel: ChannelName, _ seq: Int) -> [UInt8] {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("op", string: op)
        writer.member("channel", string: channel.description)
        writer.member("seq", integer: seq)
        writer.member("id", string: "e")
        writer.member("time", string: Self.time)
        writer.endObject()
        return writer.bytes
    }

    private static func subscribed(_ channel: ChannelName, head: Int, _ mode: ServerMessage.Mode) -> [UInt8] {
        ServerMessage.subscribed(id: nil, channel: channel, epoch: "k3", head: head, mode: mode).encoded()
    }

    /// What a message adds, and the id in it.
    private static func id(_ stream: inout EventStream, _ message: [UInt8]) -> String? {
        var text = ByteBuffer()
        _ = stream.append(message, to: &text)
        let lines = String(buffer: text).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.last == "" && lines.dropLast().last == "")
        #expect(lines.contains { $0 == "data: " + String(decoding: message, as: UTF8.self) })
        return lines.first { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
    }

    /// Whatever a message consists of, it is one event of the stream with the same op and no id of its own making.
    @Test(arguments: ["\n", "\r", "\r\n", "\n\nevent: goodbye\nid: 9\nretry: 1\ndata: {}\n\n", "\n\n\n"])
    func lineEndsInAMessageMakeNoEvents(_ lineEnd: String) throws {
        var stream = EventStream([(Self.rate, nil)])
        for message in [#"{"op":"pong",\#(lineEnd)"a":1}"#, #"{"op":"event","channel":\#(lineEnd)"#] {
            var text = ByteBuffer()
            _ = stream.append(Array(message.utf8), to: &text)
            EventStream.append("event", id: nil, Array(message.utf8), to: &text)
            #expect(!text.readableBytesView.contains(0x0D))
            let blocks = String(buffer: text).split(separator: "\n\n")
            #expect(blocks.count <= 2)
            for block in blocks {
                let lines = block.split(separator: "\n", omittingEmptySubsequences: false)
                #expect(lines.first == "event: pong" || lines.first == "event: event")
                #expect(lines.dropFirst().allSatisfy { $0.hasPrefix("data: ") }, "\(lines)")
            }
        }
    }

    private static func seq(_ id: String?, _ channel: ChannelName) -> Int? {
        id.flatMap { StreamID($0) }?.positions[StreamID.tag(of: channel)]?.seq
    }

    @Test
    func eachIDHasEveryChannelFromTheFirstOneOn() {
        var stream = EventStream([(Self.rate, nil), (Self.balance, StreamID.Position(epoch: "0", seq: 7))])
        let early = [Self.subscribed(Self.rate, head: 3, .live), Self.subscribed(Self.balance, head: 9, .resumed)]
        for message in early { #expect(stream.look(at: message) == .subscribed) }
        for message in early {
            let id = Self.id(&stream, message)
            #expect(Self.seq(id, Self.rate) == 3)
            #expect(Self.seq(id, Self.balance) == 7)
        }
        var id = Self.id(&stream, Self.message("event", Self.balance, 8))
        #expect(Self.seq(id, Self.balance) == 8)
        id = Self.id(&stream, Self.message("event", Self.rate, 4))
        #expect(Self.seq(id, Self.rate) == 4)
        #expect(Self.seq(id, Self.balance) == 8)
        #expect(id.flatMap { StreamID($0) }?.positions[StreamID.tag(of: Self.rate)]?.epoch == "k3")
        #expect(Self.id(&stream, ServerMessage.heartbeat(time: .now, heads: []).encoded()) == nil)
    }

    /// A client with a partial snapshot gets the whole snapshot again.
    @Test
    func aSnapshotCountsWhenAllOfItWasTold() {
        var stream = EventStream([(Self.balance, nil)])
        let subscribed = Self.subscribed(Self.balance, head: 5, .snapshot)
        #expect(stream.look(at: subscribed) == .subscribed)
        #expect(Self.seq(Self.id(&stream, subscribed), Self.balance) == nil)
        #expect(Self.seq(Self.id(&stream, Self.message("snapshot", Self.balance, 2)), Self.balance) == nil)
        #expect(Self.seq(Self.id(&stream, Self.message("snapshot", Self.balance, 5)), Self.balance) == 5)
        #expect(Self.seq(Self.id(&stream, Self.message("event", Self.balance, 6)), Self.balance) == 6)
    }

    @Test
    func theLongestIDFitsItsLimit() throws {
        let epoch = String(repeating: "k", count: StreamID.maxEpochLength)
        let position = try #require(StreamID.Position(epoch: epoch, seq: 9_007_199_254_740_991))
        let id = (1...StreamID.maxChannels).reduce(into: StreamID.opening) { id, number in
            id += StreamID.part(StreamID.tag(of: ChannelName(type: "rateChange", key: "\(number)")), position)
        }
        #expect(id.count <= StreamID.maxLength)
        let read = try #require(StreamID(String(decoding: id, as: UTF8.self)))
        #expect(read.positions.count == StreamID.maxChannels)
        #expect(read.positions.values.allSatisfy { $0 == position })
    }

    /// Any bytes at all are an id or none.
    @Test(arguments: 1...20)
    func idsOfStrangersAreReadOrRefused(_ seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let good = Array("1,AbCdEf.k3abcdef.123,GhIjKl.k3abcdef.9007199254740991".utf8)
        for _ in 1...500 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...2, using: &random) {
                case 0: bytes[index] = UInt8.random(in: .min ... .max, using: &random)
                case 1: bytes.insert(UInt8(ascii: "9"), at: index)
                default: bytes.remove(at: index)
                }
            }
            guard let id = StreamID(String(decoding: bytes, as: UTF8.self)) else { continue }
            #expect(id.positions.count <= StreamID.maxChannels)
            #expect(id.positions.values.allSatisfy { $0.seq >= 0 })
        }
    }
}
