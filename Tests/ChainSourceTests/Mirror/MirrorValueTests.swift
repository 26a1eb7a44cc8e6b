// SPDX-License-Identifier: Apache-2.0

import EventLog
import Ingest
import JSON
import TestSupport
import Testing

@testable import ChainSource

/// What mirrors write, read with bounds.
@Suite struct MirrorValueTests {
    @Test(arguments: [
        ("0.000000000", 0), ("1639010151.000000001", 1_639_010_151_000_000_001), ("5", 5_000_000_000),
        ("1.5", 1_500_000_000), ("9223372036.854775807", Int64.max),
    ])
    func timesAreRead(_ text: String, _ nanoseconds: Int64) throws {
        let time = try #require(ConsensusTime(text))
        #expect(time.nanoseconds == nanoseconds)
        #expect(ConsensusTime(time.description) == time)
    }

    @Test(arguments: [
        "", ".", "1.", ".5", "1.2.3", "-1.0", "+1", "1e9", "1.0000000001", "12345678901", "9223372036.854775808",
        "9999999999.0", "１.0", " 1.0", "0x1",
    ])
    func otherTimesAreRefused(_ text: String) {
        #expect(ConsensusTime(text) == nil)
    }

    @Test func timesStayWithinTheirBounds() {
        #expect(ConsensusTime(nanoseconds: 5).advanced(by: .seconds(-1)).nanoseconds == 0)
        #expect(ConsensusTime(nanoseconds: .max).advanced(by: .seconds(1)).nanoseconds == .max)
        #expect(ConsensusTime(nanoseconds: 7).sortable == "0000000000000000007")
    }

    @Test func entitiesAreRead() throws {
        let id = try #require(EntityID("0.0.1234"))
        #expect(id.description == "0.0.1234")
        #expect(id.longZero?.description == "0x00000000000000000000000000000000000004d2")
        #expect(EntityID("1.2.3")?.longZero?.description == "0x0000000100000000000000020000000000000003")
        for text in ["", "0.0", "0.0.", "0.0.-1", "0.0.01", "0.0.1.1", "0.0.18446744073709551616", "0.0.x"] {
            #expect(EntityID(text) == nil, "\(text)")
        }
    }

    private static let row = """
        {"address":"0x0000000000000000000000000000000000000005","bloom":null,"contract_id":"0.0.5","data":"0x01",\
        "index":2,"topics":[],"block_hash":"0x\(String(repeating: "ab", count: 48))","block_number":17,\
        "root_contract_id":null,"timestamp":"1639010151.000000001","transaction_hash":\
        "0x\(String(repeating: "cd", count: 32))","transaction_index":null}
        """

    @Test func logsAreRead() throws {
        let log = try MirrorLog(JSON.Value.parse(Array(Self.row.utf8)))
        #expect(log.key.time.nanoseconds == 1_639_010_151_000_000_001)
        #expect(log.key.index == 2)
        #expect(log.contract == EntityID(number: 5))
        #expect(log.data == [1])
        #expect(try MirrorLog(JSON.Value.parse(log.json)) == log)
        // Data may be null.
        let bare = Self.row.replacing(#""data":"0x01""#, with: #""data":null"#)
        #expect(try MirrorLog(JSON.Value.parse(Array(bare.utf8))).data.isEmpty)
    }

    /// Of each of these, nothing else can be trusted either.
    @Test(arguments: [
        (#""index":2"#, #""index":null"#), (#""block_number":17"#, #""block_number":null"#),
        (#""index":2"#, #""index":4294967296"#), (#""index":2"#, #""index":-1"#),
        (#""data":"0x01""#, #""data":"0x0""#), (#""topics":[]"#, #""topics":["0x12"]"#),
        (#""topics":[]"#, #""topics":null"#), (#""timestamp":"1639010151.000000001""#, #""timestamp":1639010151.0"#),
        ("0x" + String(repeating: "ab", count: 48), "0x"), ("0x" + String(repeating: "cd", count: 32), "0x"),
        ("0x0000000000000000000000000000000000000005", "0x05"),
    ])
    func incompleteLogsAreRefused(_ part: String, _ other: String) throws {
        let text = Self.row.replacing(part, with: other)
        #expect(text != Self.row)
        let value = try JSON.Value.parse(Array(text.utf8))
        #expect(throws: NodeFault.self) { try MirrorLog(value) }
    }

    @Test(arguments: [
        (429, #"{"_status":{"messages":[{"message":"Too Many Requests"}]}}"#, "slow 7"),
        (500, "", "again"), (502, "<html>", "again"), (503, "{}", "again"), (408, "", "again"),
        (400, #"{"_status":{"messages":[{"message":"Invalid parameter: index"}]}}"#, "missing"),
        (400, "<html>", "unfit refused"), (401, "", "unfit refused"), (402, "", "unfit refused"),
        (302, "", "unfit refused"), (200, "[]", "again"), (200, "{", "again"), (200, "{}", "found"),
        (404, #"{"_status":{"messages":[{"message":"Not found"}]}}"#, "missing"), (404, "<html>", "unfit refused"),
    ])
    func statusesMeanSomething(_ status: Int, _ body: String, _ meaning: String) {
        let words = meaning.split(separator: " ", maxSplits: 1)
        do throws(NodeFault) {
            switch try MirrorRefusal.read(status: status, after: .seconds(7), Array(body.utf8)) {
            case .found: #expect(meaning == "found")
            case .missing: #expect(meaning == "missing")
            }
        } catch {
            switch error {
            case .slowDown(_, let after): #expect(words[0] == "slow" && after == .seconds(7))
            case .again: #expect(words[0] == "again")
            case .unfit(let trouble, _, _): #expect(meaning == "unfit \(trouble.rawValue)")
            case .tooLarge: Issue.record("\(error)")
            }
        }
    }

    @Test(arguments: [
        ("null", true), (#""/api/v1/contracts/5/results/logs?limit=1""#, true), (#""//elsewhere/api/v1/x""#, false),
        (#""https://elsewhere/api/v1/x""#, false), (#""/api/v2/x""#, false), (#""/api/v1/x y""#, false), ("7", false),
    ])
    func linksLeadToTheSameMirror(_ link: String, _ isGood: Bool) throws {
        let value = try JSON.Value.parse(Array(#"{"logs":[],"links":{"next":\#(link)}}"#.utf8))
        if isGood {
            #expect(try MirrorPage(logs: value).rows.isEmpty)
        } else {
            #expect(throws: NodeFault.self) { try MirrorPage(logs: value) }
        }
    }

    /// Against a plain set, whatever the order; and what is written is what is read.
    @Test(arguments: [1, 2, 3])
    func finalKeysAreASet(_ seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var keys = FinalKeys()
        var reference: Set<LogKey> = []
        var entries: [String: [UInt8]] = [:]
        func key(_ time: Int) -> LogKey {
            LogKey(ConsensusTime(nanoseconds: Int64(time)), Int.random(in: 0..<3, using: &random))
        }
        for round in 0..<2_000 {
            var changes = EntryChanges(prefix: "")
            // Mostly ascending, some late.
            let time = Int.random(in: 0..<8, using: &random) == 0 ? Int.random(in: 0...round, using: &random) : round
            let new = key(time)
            #expect(keys.contains(new) == reference.contains(new))
            if reference.insert(new).inserted { keys.insert(new, &changes) }
            if round % 700 == 699 {
                let end = ConsensusTime(nanoseconds: Int64(round - 600))
                keys.forget(before: end, &changes)
                // A bucket goes as a whole or not at all.
                reference = reference.filter { keys.contains($0) }
                #expect(reference.allSatisfy { keys.contains($0) })
            }
            var step = SourceStep(source: "s", version: 0)
            changes.add(to: &step)
            for name in step.removals { entries[name] = nil }
            for entry in step.puts { entries[entry.name] = entry.value }
        }
        #expect(keys.count == reference.count)
        let (start, end) = (ConsensusTime(nanoseconds: 1_500), ConsensusTime(nanoseconds: 1_900))
        let within = reference.count { $0.time >= start && $0.time < end }
        #expect(keys.count(from: start, before: end) == within)
        let read = try FinalKeys(entries.map { SourceEntry(name: $0.key, value: $0.value) })
        #expect(read == keys)
        #expect(entries.values.allSatisfy { $0.count < FinalKeys.bucketSize * 32 })
    }
}
