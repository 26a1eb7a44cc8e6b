// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import TestSupport
import Testing

/// Every scenario of `broadtape-load` against a hub, small: that it runs, counts and verifies.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct LoadScenarioTests {
    private static let memory = ["--jwt-secret", RunningHub.secret, "--database", "memory:"]

    private static func load(_ arguments: [String], _ hub: RunningHub) async throws -> Program.Record {
        try await Program.run(
            arguments + ["--to", hub.url, "--jwt-secret", RunningHub.secret],
            of: "broadtape-load",
            in: hub.folder,
            within: .seconds(60)
        )
    }

    private struct Case: Sendable {
        var arguments: [String]
        /// Figures that must be above zero.
        var figures: [String] = []
    }

    private static let short = ["--for", "300ms", "--warm-up", "100ms"]

    private static let cases = [
        Case(
            arguments: ["connect", "--connections", "30", "--rate", "300"],
            figures: ["connectionsPerSecond", "hubMegabytes"]
        ),
        Case(arguments: ["idle", "--connections", "30", "--for", "200ms"], figures: ["heldSeconds", "hubMegabytes"]),
        Case(arguments: ["fanout", "--subscribers", "20"] + short, figures: ["deliveriesPerSecond"]),
        Case(
            arguments: ["fanout", "--subscribers", "20", "--in-flight", "8", "--publish", "post", "--loops", "2"]
                + short,
            figures: ["deliveriesPerSecond"]
        ),
        Case(arguments: ["fanout", "--subscribers", "5", "--burst", "20"] + short, figures: ["deliveriesPerSecond"]),
        Case(
            arguments: ["fanout", "--subscribers", "5", "--rate", "200", "--type", "rateChange"] + short,
            figures: ["deliveriesPerSecond"]
        ),
        Case(arguments: ["private", "--channels", "30"] + short, figures: ["deliveriesPerSecond"]),
        Case(
            arguments: ["resume", "--clients", "20", "--channels", "3", "--missed", "50"],
            figures: ["allCaughtUpSeconds", "storedMegabytes"]
        ),
        Case(
            arguments: ["slow", "--fast", "4", "--slow", "4", "--rate", "400", "--pause", "300ms"] + short,
            figures: ["hubMegabytes_paused"]
        ),
        Case(
            arguments: ["churn", "--subscribers", "20", "--churn", "50", "--rate", "200"] + short,
            figures: ["churned", "deliveriesPerSecond"]
        ),
    ]

    /// One after the other on one hub, whose channels have events of others then.
    @Test func everyScenarioRunsAndVerifies() async throws {
        try await withHub(Self.memory) { hub in
            for test in Self.cases { try await Self.check(test, on: hub) }
        }
    }

    private static func check(_ test: Case, on hub: RunningHub) async throws {
        let record = try await Self.load(
            test.arguments + ["--report", "-", "--pid", "\(hub.program.identifier)"],
            hub
        )
        #expect(record.status == 0, "\(test.arguments): \(record)")
        let outcome = try JSON.Value.parse(Array(try #require(record.lines.last, "\(record)").utf8))
        #expect(outcome["ok"]?.bool == true)
        #expect(outcome["scenario"]?.string == test.arguments.first)
        #expect(outcome["deliveries"]?.integer(in: .seq) ?? 0 > 0)
        for count in ["lost", "duplicated", "reordered", "wrong", "uncalled", "unacknowledged"] {
            #expect(outcome[count]?.integer(in: .seq) == 0, "\(test.arguments): \(count)")
        }
        for figure in test.figures {
            let value = outcome[figure].flatMap { Double(String(decoding: $0.text, as: UTF8.self)) }
            #expect(value ?? 0 > 0, "\(test.arguments): \(figure): \(record.output)")
        }
    }

    @Test func whatIsRecordedCanBeReplayed() async throws {
        try await withHub(Self.memory) { hub in
            let token = try await hub.token("svc", "publish:*")
            let events = (0..<2).map { number in
                #"{"type":"transactionUpdate","keys":["u_1","u_2"],"id":"a\#(number)","#
                    + #""data":{"type":"p2p","amount":"1.0","status":"new"}}"#
            }
            // Channels are listed once they have an event.
            let first = try await hub.run("publish", token: token, input: events[0])
            #expect(first.status == 0, "\(first)")
            let trace = hub.folder.path("trace.ndjson")
            let recorder = try Program(
                ["record", trace, "--to", hub.url, "--jwt-secret", RunningHub.secret],
                of: "broadtape-load",
                in: hub.folder
            )
            try await eventually("the recorder follows both channels") {
                // Whatever came before it followed is not in the trace; what comes last always is.
                _ = try await hub.run(
                    "publish",
                    token: token,
                    input: events[1].replacing("a1", with: UUID().uuidString)
                )
                return (try? String(contentsOfFile: trace, encoding: .utf8))?.contains("u_2") ?? false
            }
            recorder.terminate()
            let record = try await recorder.end()
            #expect(record.status == 0, "\(record)")
            let text = try String(contentsOfFile: trace, encoding: .utf8)
            #expect(text.contains(#""keys":["u_1","u_2"]"#), "\(text)")
            let replay = try await Self.load(["replay", trace, "--subscribers", "2", "--report", "-"], hub)
            #expect(replay.status == 0, "\(replay)")
        }
    }

    @Test func aConnectionThatIsLostGoesToTheNextNode() async throws {
        try await withHub(Self.memory) { hub in
            let record = try await Program.run(
                [
                    "fanout", "--subscribers", "6", "--to", "http://127.0.0.1:1,\(hub.url)", "--jwt-secret",
                    RunningHub.secret, "--report", "-",
                ] + Self.short,
                of: "broadtape-load",
                in: hub.folder,
                within: .seconds(60)
            )
            #expect(record.status == 0, "\(record)")
            let outcome = try JSON.Value.parse(Array(try #require(record.lines.last).utf8))
            #expect(outcome["failedConnections"]?.count ?? 0 > 0)
        }
    }

    @Test(arguments: [
        (["fanout", "--in-flight", "1", "--rate", "5"], "--in-flight"), (["fanout", "--to", "hub"], "--to"),
        (["idle", "--connections", "0"], "--connections"), (["idle", "--pid", "x"], "--pid"),
        (["private", "--token", "x"], "--jwt-secret"), (["resume", "--missed", "0"], "--missed"),
        (["connect", "--rate", "-1"], "--rate"), (["record", "t", "rateChange"], "rateChange"),
        (["slow", "--pause", "long"], "--pause"),
    ])
    func aBadArgumentIsNamed(arguments: [String], name: String) async throws {
        try await withFolder { folder in
            let to = arguments.contains("--to") ? [] : ["--to", "http://127.0.0.1:1"]
            let record = try await Program.run(arguments + to, of: "broadtape-load", in: folder)
            #expect((record.status ?? 0) > 0, "\(record)")
            #expect(record.errors.contains(name), "\(record)")
        }
    }

    @Test func aProcessThatIsNotThereFailsTheRun() async throws {
        try await withHub(Self.memory) { hub in
            let record = try await Self.load(["idle", "--connections", "1", "--pid", "999999999"], hub)
            #expect((record.status ?? 0) > 0, "\(record)")
            #expect(record.errors.contains("999999999"), "\(record)")
        }
    }
}
