// SPDX-License-Identifier: Apache-2.0

import Hub
import HubTestSupport
import NIOCore
import Testing

@testable import RedisBus

@Suite struct CommitMessageTests {
    private static let sender = InstanceID(high: 0x0123_4567_89AB_CDEF, low: .max)
    private static let other = ChannelName(type: "balanceUpdate", key: "u_ü")

    private static func bytes(_ commits: [Commit], limit: Int = 1 << 20) -> [[UInt8]] {
        CommitMessage.encode(commits, from: Self.sender, limit: limit).map { Array(buffer: $0) }
    }

    @Test func commitsComeBackAsTheyWere() throws {
        let commits = [
            Samples.commit(7...9),
            Commit(
                channel: Self.other,
                entries: [
                    TapeEntry(seq: 1, id: "", time: Timestamp(nanoseconds: .min), data: Array("{}".utf8), slot: "€")
                ]
            ),
            Samples.commit(10...10),
        ]
        let messages = Self.bytes(commits)
        #expect(messages.count == 1)
        let decoded = try CommitMessage(decoding: try #require(messages.first))
        #expect(decoded == CommitMessage(sender: Self.sender, commits: commits))
        #expect(try CommitMessage.sender(of: messages[0]) == Self.sender)
    }

    @Test func layoutIsAsDocumented() {
        let entry = TapeEntry(
            seq: 258,
            id: "i",
            time: Timestamp(nanoseconds: 1),
            data: Array("{}".utf8),
            slot: "s",
            trace: TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        )
        let message = Self.bytes([Commit(channel: ChannelName(type: "t", key: "k"), entries: [entry])])
        var expected: [UInt8] = Array("btc".utf8) + [2]
        expected += [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF] + Array(repeating: 0xFF, count: 8)
        expected += [0, 0, 0, 3] + Array("t:k".utf8) + [0, 0, 0, 0, 0, 0, 1, 2] + [0, 0, 0, 1]
        expected += [0, 0, 0, 0, 0, 0, 0, 1] + [0, 0, 0, 1] + Array("i".utf8) + [0, 0, 0, 1] + Array("s".utf8)
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        expected += [0, 0, 0, 55] + Array(trace.utf8)
        expected += [0, 0, 0, 2] + Array("{}".utf8)
        #expect(message == [expected])
    }

    @Test func messageWithoutCommitsIsEmpty() throws {
        let message = Array(buffer: CommitMessage.empty(from: Self.sender))
        #expect(try CommitMessage(decoding: message) == CommitMessage(sender: Self.sender, commits: []))
        #expect(message.count == CommitMessage.headerLength)
        #expect(Self.bytes([]).isEmpty)
        #expect(Self.bytes([Commit(channel: Self.other, entries: [])]).isEmpty)
    }

    @Test(arguments: [1, 100, 1000, 5000, 100_000]) func batchesAreSplit(_ limit: Int) throws {
        let commits = [Samples.commit(1...200, dataBytes: 100), Samples.commit(5...9, of: Self.other, dataBytes: 900)]
        let messages = Self.bytes(commits, limit: limit)
        let decoded = try messages.flatMap { try CommitMessage(decoding: $0).commits }
        #expect(decoded.seqs() == Array(1...200))
        #expect(decoded.seqs(of: Self.other) == Array(5...9))
        #expect(decoded.flatMap(\.entries) == commits.flatMap(\.entries))
        for message in messages where message.count > limit {
            #expect(try CommitMessage(decoding: message).commits.flatMap(\.entries).count == 1)
        }
        #expect(messages.count > 1 || limit == 100_000)
    }

    @Test func gapWithinACommitIsKept() throws {
        var commit = Samples.commit(1...3)
        commit.entries.append(Samples.entry(9))
        let decoded = try CommitMessage(decoding: Self.bytes([commit])[0])
        #expect(decoded.commits == [Samples.commit(1...3), Samples.commit(9...9)])
    }

    @Test func everyCutIsMalformed() throws {
        let message = Self.bytes([Samples.commit(1...2)])[0]
        for length in message.indices where length != CommitMessage.headerLength {
            #expect(throws: CommitMessage.Malformed.self) { try CommitMessage(decoding: Array(message[..<length])) }
        }
    }

    @Test func otherVersionsAreNotRead() {
        var message = Self.bytes([Samples.commit(1...2)])[0]
        message[3] = 1
        #expect(throws: CommitMessage.Malformed.version(1)) { try CommitMessage(decoding: message) }
        #expect(throws: CommitMessage.Malformed.version(1)) { try CommitMessage.sender(of: message) }
        #expect(throws: CommitMessage.Malformed.version(0)) { try CommitMessage(decoding: Array("{}".utf8)) }
        #expect(throws: CommitMessage.Malformed.version(0)) { try CommitMessage(decoding: []) }
    }

    /// A change of the bytes from an offset on.
    @Test(arguments: [
        (24, [UInt8(0xFF)]),  // the channel's name is not UTF-8
        (24, Array("rate:Change".utf8.prefix(4)) + [0x01]),  // nor a control character
        (43, [0, 0, 0, 0, 0, 0, 0, 0]),  // the first number is 0
        (43, [0xFF]),  // beyond what an Int holds
        (43, [0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),  // the last one would be
        (51, [0, 0, 0, 0]),  // no entries
        (51, [0xFF, 0xFF, 0xFF, 0xFF]),  // more than there can be
        (63, [0xFF, 0xFF, 0xFF, 0xFF]),  // an id of 4 GB
    ]) func impossibleContentIsMalformed(_ offset: Int, _ bytes: [UInt8]) throws {
        var message = Self.bytes([Samples.commit(1...2)])[0]
        try #require(try CommitMessage(decoding: message).commits.count == 1)
        message.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        #expect(throws: CommitMessage.Malformed.self) { try CommitMessage(decoding: message) }
    }

    @Test func dataThatIsNoObjectIsMalformed() {
        var entry = Samples.entry(1)
        for data in ["", "[]", "{", "}", "1"] {
            entry.data = Array(data.utf8)
            let message = Self.bytes([Commit(channel: Self.other, entries: [entry])])[0]
            #expect(throws: CommitMessage.Malformed.self) { try CommitMessage(decoding: message) }
        }
    }

    @Test(arguments: 0..<8) func mutantsNeverTrap(_ seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        let message = Self.bytes([Samples.commit(1...3), Samples.commit(5...6, of: Self.other)])[0]
        var read = 0
        for _ in 0..<500 {
            var mutant = message
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 4..<mutant.count, using: &random)
                mutant[index] = Bool.random(using: &random) ? .max : UInt8.random(in: 0 ... .max, using: &random)
            }
            guard let decoded = try? CommitMessage(decoding: mutant) else { continue }
            read += 1
            for commit in decoded.commits {
                let seqs = commit.entries.map(\.seq)
                #expect(zip(seqs, seqs.dropFirst()).allSatisfy { $0 + 1 == $1 } && (seqs.first ?? 0) > 0)
            }
        }
        #expect(read > 0)
    }
}
