// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Ingest
import JSON
import TestSupport
import Testing

@testable import ChainSource

/// Numbers of nodes and mirrors at the limits: each is read or refused, and a follower that has one continues.
@Suite(.timeLimit(.minutes(1))) struct BoundaryAnswerTests {
    private static func isRead<Value>(_ text: String, _ read: (JSON.Value) throws -> Value) throws -> Bool {
        let value = try JSON.Value.parse(Array(text.utf8))
        do {
            _ = try read(value)
            return true
        } catch is NodeFault {
            return false
        }
    }

    // MARK: Mirrors

    private static let blockHash = "0x" + String(repeating: "ab", count: 48)

    @Test func numbersOfMirrors() throws {
        for (text, seq) in BoundaryNumbers.json {
            let message = """
                {"topic_id":"0.0.7","sequence_number":\(text),"consensus_timestamp":"1.0","message":"YQ=="}
                """
            #expect(try Self.isRead(message, { try MirrorMessage($0) }) == ((seq ?? 0) > 0), "message \(text)")
            let block = #"{"number":\#(text),"hash":"\#(Self.blockHash)","timestamp":{"to":"1.0"}}"#
            #expect(try Self.isRead(block, { try MirrorBlock($0) }) == (seq != nil), "block \(text)")
            let log = """
                {"address":"0x0000000000000000000000000000000000000005","data":"0x","index":1,"topics":[],\
                "block_hash":"\(Self.blockHash)","block_number":\(text),"timestamp":"1.0","transaction_hash":\
                "0x\(String(repeating: "cd", count: 32))"}
                """
            #expect(try Self.isRead(log, { try MirrorLog($0) }) == (seq != nil), "log \(text)")
        }
    }

    @Test func partsOfMessagesOfMirrors() throws {
        for (text, seq) in BoundaryNumbers.json {
            func message(_ number: String, _ total: String) -> String {
                """
                {"topic_id":"0.0.7","sequence_number":1,"consensus_timestamp":"1.0","message":"YQ==","chunk_info":\
                {"number":\(number),"total":\(total),"initial_transaction_id":{"account_id":"0.0.1",\
                "transaction_valid_start":"1.0"}}}
                """
            }
            #expect(try Self.isRead(message("1", text), { try MirrorMessage($0) }) == ((seq ?? 0) > 0), "total \(text)")
            #expect(try Self.isRead(message(text, "3"), { try MirrorMessage($0) }) == (seq == 1), "number \(text)")
        }
    }

    /// A topic whose only message has the last number there is: it is reported, also after a restart.
    @Test(arguments: [9_007_199_254_740_990, 9_007_199_254_740_991])
    func topicsEndAtTheirLastNumber(_ sequence: Int) async throws {
        let node = try SimulatedMirror()
        var mirror = Mirror(name: "test", topics: [SimulatedMirror.topic])
        mirror.start = SimulatedMirror.begin
        let mirroring = Mirroring(node, mirror)
        node.change {
            $0.messages = [.init(sequence: sequence, time: SimulatedMirror.time(1), content: Array("last".utf8))]
        }
        node.advance(to: 1_000)
        for _ in 0..<20 { _ = await mirroring.fault() }
        mirroring.restart()
        for _ in 0..<20 { _ = await mirroring.fault() }
        #expect(mirroring.takeEvents().filter { $0.type == "topicMessage" }.count <= 1)
    }

    /// What is remembered of logs at the end of all times can be forgotten.
    @Test func timesEndWhereTheyCan() {
        let last = ConsensusTime(nanoseconds: .max)
        #expect(last.advanced(by: .nanoseconds(1)) == last)
        #expect(last.duration(since: ConsensusTime(nanoseconds: 0)) == .nanoseconds(Int64.max))
        var keys = FinalKeys()
        var changes = EntryChanges(prefix: "p/")
        for index in 0..<1_200 { keys.insert(LogKey(last, index), &changes) }
        #expect(keys.count(from: ConsensusTime(nanoseconds: 0), before: last) == 0)
        #expect(keys.forgetOldest(&changes) == last)
    }

    // MARK: Nodes

    /// Quantities as nodes write them, and what they are.
    private static let quantities: [(text: String, seq: Int?)] = [
        ("0x0", 0), ("0x1", 1), ("0x001", 1), ("0x1fffffffffffff", 9_007_199_254_740_991), ("0x20000000000000", nil),
        ("0x7ffffffffffffffe", nil), ("0x7fffffffffffffff", nil), ("0x8000000000000000", nil),
        ("0xffffffffffffffff", nil), ("0x10000000000000000", nil), ("0x", nil), ("-0x1", nil), ("0x-1", nil),
        ("1", nil),
        ("", nil), ("0xg", nil), ("0x" + String(repeating: "f", count: 400), nil),
        ("0x" + String(repeating: "0", count: 400) + "1", 1),
    ]

    @Test func numbersOfNodes() throws {
        let hash = "0x" + String(repeating: "ab", count: 32)
        for (text, seq) in Self.quantities {
            let block = """
                {"number":"\(text)","hash":"\(hash)","parentHash":"\(hash)","logsBloom":\
                "0x\(String(repeating: "00", count: 256))"}
                """
            #expect(try Self.isRead(block, { try Block($0) }) == (seq != nil), "block \(text)")
            func log(_ number: String, _ index: String) -> String {
                """
                {"address":"0x0000000000000000000000000000000000000005","data":"0x","topics":[],"blockNumber":"\(number)",\
                "blockHash":"\(hash)","transactionHash":"\(hash)","logIndex":"\(index)"}
                """
            }
            #expect(try Self.isRead(log(text, "0x0"), { try Log($0) }) == (seq != nil), "log \(text)")
            #expect(try Self.isRead(log("0x0", text), { try Log($0) }) == (seq != nil), "index \(text)")
        }
    }

    @Test func numbersOfBatchesAndRefusals() throws {
        for (text, seq) in BoundaryNumbers.json {
            let body = Array(#"[{"id":\#(text),"result":"0x1"}]"#.utf8)
            #expect(((try? Batch.answers(body, count: 1, id: 1)) != nil) == (seq == 1), "id \(text)")
            let refusal = Refusal(try JSON.Value.parse(Array(#"{"code":\#(text),"message":"no"}"#.utf8)))
            #expect(abs(refusal.code) <= 9_007_199_254_740_991)
        }
        for (text, _) in BoundaryNumbers.text + Self.quantities {
            for message in [
                "block range is too wide: limited to \(text) blocks", "[\(text), 0x2]",
                "[0x1, \(text)] query returned more than",
            ] {
                var span = BlockWindow(first: 100, cap: 1_000)
                if case .tooLarge(let hint) = Refusal(code: -32_005, message: message).meaning {
                    span.refused(5...104, hint)
                }
                #expect((1...1_000).contains(span.count), "\(message)")
            }
        }
    }

    /// Heads at the last number there is, and beyond it.
    @Test(arguments: ["0x1fffffffffffff", "0x20000000000000", "0x7fffffffffffffff", "0xffffffffffffffff"])
    func followersOutliveEveryHead(_ number: String) async throws {
        let node = SimulatedNode(try SimulatedChain(seed: 1), seed: 1)
        let following = Following(node)
        node.change { $0.mine(5) }
        try await following.catchUp()
        node.intercept { call, answer in
            guard case .block = call, case .result(let value) = answer, let given = value["number"]?.string else {
                return nil
            }
            let text = String(decoding: value.text, as: UTF8.self).replacing("\"\(given)\"", with: "\"\(number)\"")
            return (try? JSON.Value.parse(Array(text.utf8))).map { .result($0) }
        }
        for _ in 0..<20 {
            do throws(FollowFault) {
                _ = try await following.follower.step()
            } catch {
                if case .stopped = error { following.restart() }
            }
        }
    }
}
