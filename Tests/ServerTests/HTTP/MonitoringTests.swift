// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import Hub
import JSON
import Logging
import Server
import TestSupport
import Testing

/// What monitoring and operators get from the admin port.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct MonitoringTests {
    private static let configuration = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("config")

    private func withAdmin(_ body: (TestServer) async throws -> Void) async throws {
        var setup = Setup()
        setup.isAdmin = true
        setup.fanIn = FanInPorts(source: ScriptedFanInSource(), store: RecordingFanInStore())
        setup.published = PublishedKeys(logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }) {
            throw CancellationError()
        }
        try await withServer(setup) { try await body($0) }
    }

    /// Every line is a comment or a figure, every figure was announced with its kind, and none twice.
    @Test func theFormatIsThatOfPrometheus() async throws {
        try await self.withAdmin { server in
            try await server.publish(#"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#)
            var kinds: [Substring: Substring] = [:]
            var seen: Set<Substring> = []
            for line in try await server.request(.get("/metrics")).text.split(separator: "\n") {
                if let match = line.wholeMatch(of: #/# TYPE (\S+) (gauge|counter|histogram)/#) {
                    #expect(kinds.updateValue(match.2, forKey: match.1) == nil, "\(line)")
                } else if !line.hasPrefix("# HELP ") {
                    let match = try #require(
                        line.wholeMatch(of: #/([a-z_]+)((?:\{[a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*\})?) [0-9.e+-]+/#),
                        "\(line)"
                    )
                    let name = match.1.replacing(#/_(bucket|sum|count)$/#, with: "")
                    #expect(kinds[match.1] != nil || kinds[Substring(name)] == "histogram", "\(line)")
                    #expect(seen.insert(match.1 + match.2).inserted, "\(line)")
                }
            }
        }
    }

    @Test func eventsAreToldByTypeAndResult() async throws {
        try await self.withAdmin { server in
            try await server.publish(
                #"{"type":"rateChange","key":"A","id":"1","data":{"rate":"1"}}"#,
                #"{"type":"rateChange","key":"B","id":"2","data":{"rate":"1"}}"#
            )
            try await server.publish(#"{"type":"rateChange","key":"A","id":"1","data":{"rate":"1"}}"#)
            let text = try await server.request(.get("/metrics")).text
            for line in [
                #"broadtape_events_total{type="rateChange",result="accepted"} 2"#,
                #"broadtape_events_total{type="rateChange",result="duplicate"} 1"#,
                #"broadtape_batch_events_bucket{le="1.0"} 1"#, #"broadtape_batch_events_bucket{le="2.0"} 2"#,
                #"broadtape_batch_events_bucket{le="+Inf"} 2"#, "broadtape_batch_events_sum 3.0",
                "broadtape_batch_events_count 2", "broadtape_commit_seconds_count 2",
            ] {
                #expect(text.contains("\n\(line)\n"), "\(line)")
            }
        }
    }

    /// An alert or a panel on a metric that no longer exists would be silent forever.
    @Test(arguments: ["prometheus/alerts.yaml", "grafana/broadtape.json"])
    func rulesAndBoardNameWhatIsTold(path: String) async throws {
        let file = try String(contentsOf: Self.configuration.appendingPathComponent(path), encoding: .utf8)
        try await self.withAdmin { server in
            server.hub.sources.report(
                SourceReport(name: "chain:a", types: [], state: .following, position: 1, head: 2, lag: .seconds(1))
            )
            let text = try await server.request(.get("/metrics")).text
            let told = Set(text.matches(of: #/# TYPE (\S+)/#).map { String($0.1) })
            let named = Set(file.matches(of: #/broadtape_[a-z_]+/#).map { String($0.0) })
            #expect(named.count > 10)
            for name in named where !told.contains(name) {
                #expect(told.contains(name.replacing(#/_(bucket|sum|count)$/#, with: "")), "\(name)")
            }
        }
    }

    @Test func anOrderToLeaveIsPassedOn() async throws {
        try await self.withAdmin { server in
            let before = try await server.request(.get("/drain")).json()
            #expect(before["draining"]?.bool == false)
            #expect(before["connections"]?.integer(in: .seq) == 0)
            #expect(try await server.request(Request("POST", "/drain?over=60000", body: "")).status == 202)
            #expect(try await server.request(Request("POST", "/drain", body: "")).status == 202)
            #expect(server.drainOrders.value == [.seconds(60), nil])
            for over in ["-1", "3600001", "60s", ""] {
                try await server.request(Request("POST", "/drain?over=\(over)", body: "")).expectProblem(
                    400,
                    "bad_request"
                )
            }
            #expect(server.drainOrders.value.count == 2)
        }
    }

    @Test(arguments: [("abc-1._X", true), ("", false), ("a b", false), (String(repeating: "x", count: 65), false)])
    func everyAnswerHasAnID(given: String, isKept: Bool) async throws {
        try await withServer { server in
            let fields = given.isEmpty ? [] : [(name: "X-Request-Id", value: given)]
            let answer = try await server.request(Request("GET", "/health/live", fields: fields))
            let id = try #require(answer.fields["x-request-id"])
            #expect((id == given) == isKept)
            #expect(isKept || id.hasPrefix("r-"))
        }
    }
}
