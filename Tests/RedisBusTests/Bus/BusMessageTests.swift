// SPDX-License-Identifier: Apache-2.0

import EventLog
import NIOCore
import Secrets
import TestSupport
import Testing

@testable import RedisBus

@Suite struct BusMessageTests {
    private static let sender = InstanceID(high: 0x0123_4567_89AB_CDEF, low: .max)
    private static let other = ChannelName(type: "balanceUpdate", key: "u_ü")

    private static let sent = Timestamp(nanoseconds: 0x0102_0304_0506_0708)

    private static var seal: BusSeal {
        get throws { BusSeal([try Secret(Node.secret)], channel: Node.channel) }
    }

    /// Finished messages: the first is the 7th of its sender.
    private static func bytes(_ commits: [ChannelBatch], limit: Int = 1 << 20) throws -> [[UInt8]] {
        var counter: UInt64 = 6
        return try BusMessage.encode(commits, from: Self.sender, limit: limit).map { message in
            var message = message
            counter += 1
            BusMessage.finish(&message, counter: counter, sent: Self.sent, with: try Self.seal)
            return Array(buffer: message)
        }
    }

    @Test func commitsComeBackAsTheyWere() throws {
        let commits = [
            Samples.commit(7...9),
            ChannelBatch(
                channel: Self.other,
                entries: [
                    TapeEntry(seq: 1, id: "", time: Timestamp(nanoseconds: .min), data: Array("{}".utf8), slot: "€")
                ]
            ),
            Samples.commit(10...10),
        ]
        let messages = try Self.bytes(commits)
        #expect(messages.count == 1)
        let decoded = try BusMessage(decoding: try #require(messages.first))
        let header = BusMessage.Header(kind: .commits, sender: Self.sender, sent: Self.sent, counter: 7)
        #expect(decoded == BusMessage(header: header, commits: commits))
        #expect(try BusMessage.header(of: messages[0]) == header)
        #expect(try Self.seal.isGood(messages[0]))
    }

    @Test func layoutIsAsDocumented() throws {
        let entry = TapeEntry(
            seq: 258,
            id: "i",
            time: Timestamp(nanoseconds: 1),
            data: Array("{}".utf8),
            slot: "s",
            trace: TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        )
        let message = try Self.bytes([ChannelBatch(channel: ChannelName(type: "t", key: "k"), entries: [entry])])
        var expected: [UInt8] = Array("btc".utf8) + [3, 1]
        expected += [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF] + Array(repeating: 0xFF, count: 8)
        expected += [1, 2, 3, 4, 5, 6, 7, 8] + [0, 0, 0, 0, 0, 0, 0, 7]
        expected += [0, 0, 0, 3] + Array("t:k".utf8) + [0, 0, 0, 0, 0, 0, 1, 2] + [0, 0, 0, 1]
        expected += [0, 0, 0, 0, 0, 0, 0, 1] + [0, 0, 0, 1] + Array("i".utf8) + [0, 0, 0, 1] + Array("s".utf8)
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        expected += [0, 0, 0, 55] + Array(trace.utf8)
        expected += [0, 0, 0, 2] + Array("{}".utf8)
        #expect(message.map { $0.dropLast(32) } == [expected[...]])
        // HKDF-SHA-256 without salt, then HMAC-SHA-256, by another program.
        let code =
            "41d1e7c919a5180abd44dad091c147d0"
            + "d90d92656acc893533ec67b4584fcd5c"
        #expect(message.first.map { Self.hex($0.suffix(32)) } == code)
    }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    @Test func messageWithoutCommitsIsEmpty() throws {
        for kind in [BusMessage.Kind.hello, .revocations] {
            var message = BusMessage.plain(kind, from: Self.sender)
            #expect(message.readableBytes == BusMessage.headerLength)
            BusMessage.finish(&message, counter: 1, sent: Self.sent, with: try Self.seal)
            let header = BusMessage.Header(kind: kind, sender: Self.sender, sent: Self.sent, counter: 1)
            #expect(try BusMessage(decoding: Array(buffer: message)) == BusMessage(header: header, commits: []))
        }
        #expect(try Self.bytes([]).isEmpty)
        #expect(try Self.bytes([ChannelBatch(channel: Self.other, entries: [])]).isEmpty)
    }

    @Test(arguments: [1, 100, 1000, 5000, 100_000]) func batchesAreSplit(_ limit: Int) throws {
        let commits = [Samples.commit(1...200, dataBytes: 100), Samples.commit(5...9, of: Self.other, dataBytes: 900)]
        let messages = try Self.bytes(commits, limit: limit)
        let decoded = try messages.flatMap { try BusMessage(decoding: $0).commits }
        #expect(decoded.seqs() == Array(1...200))
        #expect(decoded.seqs(of: Self.other) == Array(5...9))
        #expect(decoded.flatMap(\.entries) == commits.flatMap(\.entries))
        for message in messages where message.count > limit {
            #expect(try BusMessage(decoding: message).commits.flatMap(\.entries).count == 1)
        }
        #expect(messages.count > 1 || limit == 100_000)
    }

    @Test func gapWithinACommitIsKept() throws {
        var commit = Samples.commit(1...3)
        commit.entries.append(Samples.entry(9))
        let decoded = try BusMessage(decoding: try Self.bytes([commit])[0])
        #expect(decoded.commits == [Samples.commit(1...3), Samples.commit(9...9)])
    }

    @Test func everyCutIsMalformed() throws {
        let message = try Self.bytes([Samples.commit(1...2)])[0]
        for length in message.indices {
            #expect(try !Self.seal.isGood(Array(message[..<length])))
        }
        let content = message.dropLast(BusSeal.length)
        for length in content.indices where length != BusMessage.headerLength {
            let sealed = Array(content[..<length]) + Array(repeating: 0, count: BusSeal.length)
            #expect(throws: BusMessage.Malformed.self, "\(length)") { try BusMessage(decoding: sealed) }
        }
    }

    @Test func otherVersionsAreNotRead() throws {
        var message = try Self.bytes([Samples.commit(1...2)])[0]
        message[3] = 1
        #expect(throws: BusMessage.Malformed.version(1)) { try BusMessage(decoding: message) }
        #expect(throws: BusMessage.Malformed.version(1)) { try BusMessage.header(of: message) }
        #expect(throws: BusMessage.Malformed.version(0)) { try BusMessage.header(of: Array("{}".utf8)) }
        #expect(throws: BusMessage.Malformed.version(0)) { try BusMessage.header(of: []) }
    }

    /// A change of the bytes from an offset on.
    @Test(arguments: [
        (41, [UInt8(0xFF)]),  // the channel's name is not UTF-8
        (41, Array("rate:Change".utf8.prefix(4)) + [0x01]),  // nor a control character
        (60, [0, 0, 0, 0, 0, 0, 0, 0]),  // the first number is 0
        (60, [0xFF]),  // beyond what an Int holds
        (60, [0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),  // the last one would be
        (60, [0x00, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00]),  // beyond what JavaScript keeps
        (60, [0x00, 0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),  // the last one would be
        (68, [0, 0, 0, 0]),  // no entries
        (68, [0xFF, 0xFF, 0xFF, 0xFF]),  // more than there can be
        (80, [0xFF, 0xFF, 0xFF, 0xFF]),  // an id of 4 GB
    ]) func impossibleContentIsMalformed(_ offset: Int, _ bytes: [UInt8]) throws {
        var message = try Self.bytes([Samples.commit(1...2)])[0]
        try #require(try BusMessage(decoding: message).commits.count == 1)
        message.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        #expect(throws: BusMessage.Malformed.self) { try BusMessage(decoding: message) }
    }

    @Test func numbersReachTheirEnd() throws {
        let greatest = 9_007_199_254_740_991
        let decoded = try BusMessage(decoding: try Self.bytes([Samples.commit(greatest - 1...greatest)])[0])
        #expect(decoded.commits.seqs() == [greatest - 1, greatest])
    }

    @Test func dataThatIsNoObjectIsMalformed() throws {
        var entry = Samples.entry(1)
        for data in ["", "[]", "{", "}", "1"] {
            entry.data = Array(data.utf8)
            let message = try Self.bytes([ChannelBatch(channel: Self.other, entries: [entry])])[0]
            #expect(throws: BusMessage.Malformed.self) { try BusMessage(decoding: message) }
        }
    }

    @Test(arguments: 0..<8) func mutantsNeverTrap(_ seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let message = try Self.bytes([Samples.commit(1...3), Samples.commit(5...6, of: Self.other)])[0]
        var read = 0
        for _ in 0..<500 {
            var mutant = message
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 4..<mutant.count, using: &random)
                mutant[index] = Bool.random(using: &random) ? .max : UInt8.random(in: 0 ... .max, using: &random)
            }
            #expect(try mutant == message || !Self.seal.isGood(mutant))
            guard let decoded = try? BusMessage(decoding: mutant) else { continue }
            read += 1
            for commit in decoded.commits {
                let seqs = commit.entries.map(\.seq)
                #expect(zip(seqs, seqs.dropFirst()).allSatisfy { $0 + 1 == $1 } && (seqs.first ?? 0) > 0)
            }
        }
        #expect(read > 0)
    }
}
