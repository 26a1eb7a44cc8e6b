// SPDX-License-Identifier: Apache-2.0

import Monitor
import Testing

struct OverviewTests {
    private let start = ContinuousClock.now

    /// A page of a node that has committed so many events, half of them within a millisecond.
    private static func page(accepted: Int, connections: Int = 1_204, more: String = "") -> MetricsPage {
        MetricsPage(
            """
            broadtape_connections \(connections)
            broadtape_ready 1
            broadtape_draining 0
            broadtape_paused 0
            broadtape_events_accepted_total \(accepted)
            broadtape_commits_total \(accepted)
            broadtape_events_total{type="rateChange",result="accepted"} \(accepted)
            broadtape_events_total{type="rateChange",result="duplicate"} 7
            broadtape_commit_seconds_bucket{le="0.001"} \(accepted / 2)
            broadtape_commit_seconds_bucket{le="0.002"} \(accepted)
            broadtape_commit_seconds_bucket{le="+Inf"} \(accepted)
            broadtape_bus_reach{reach="alone"} 1
            broadtape_bus_reach{reach="cut"} 0
            broadtape_write_queue_bytes 2048

            """ + more
        )
    }

    private func overview(_ names: [String], _ pages: [[MetricsPage]]) -> Overview {
        var overview = Overview(of: names)
        for (node, pages) in pages.enumerated() {
            for (second, page) in pages.enumerated() {
                overview.took(NodeReading(page, at: self.start + .seconds(second)), of: node)
            }
        }
        return overview
    }

    /// The words of the line that begins with a label.
    private func cells(_ label: String, _ overview: Overview) -> [Substring]? {
        overview.table(columns: 100).first { $0.hasPrefix(label) }?.dropFirst(22).split(separator: "  ")
            .map { $0.drop { $0 == " " } }
    }

    @Test func countersBecomeFiguresASecond() {
        let overview = self.overview(["one"], [[Self.page(accepted: 1_000), Self.page(accepted: 1_250)]])
        #expect(self.cells("connections", overview) == ["1,204"])
        #expect(self.cells("events/s", overview) == ["250"])
        #expect(self.cells("  rateChange", overview) == ["250"])
        #expect(self.cells("commit p50", overview) == ["1.0 ms"])
        #expect(self.cells("       p99", overview) == ["2.0 ms"])
        #expect(self.cells("delivery p50", overview) == ["–"])
        #expect(self.cells("waiting for commit", overview) == ["2.0 KiB"])
        #expect(self.cells("state", overview) == ["ready"])
        #expect(self.cells("bus", overview) == ["alone"])
        #expect(overview.isComplete)
    }

    @Test func oneLookHasNoRates() {
        let overview = self.overview(["one"], [[Self.page(accepted: 1_000)]])
        #expect(self.cells("events/s", overview) == ["–"])
        #expect(self.cells("commit p50", overview) == ["–"])
    }

    @Test func aNodeThatBeganAnewIsNotCountedBackwards() {
        let overview = self.overview(["one"], [[Self.page(accepted: 1_000), Self.page(accepted: 10)]])
        #expect(self.cells("events/s", overview) == ["–"])
    }

    @Test func latenciesAreThoseOfTheLastSeconds() {
        let slow = MetricsPage(
            """
            broadtape_connections 1
            broadtape_commit_seconds_bucket{le="0.001"} 1000000
            broadtape_commit_seconds_bucket{le="1"} 1000001
            broadtape_commit_seconds_bucket{le="+Inf"} 1000001

            """
        )
        let fast = MetricsPage(
            """
            broadtape_connections 1
            broadtape_commit_seconds_bucket{le="0.001"} 1000000
            broadtape_commit_seconds_bucket{le="1"} 1000000
            broadtape_commit_seconds_bucket{le="+Inf"} 1000000

            """
        )
        var overview = self.overview(["one"], [[fast, slow]])
        #expect(self.cells("commit p50", overview)?.first?.hasSuffix(" ms") == true)
        #expect(self.cells("commit p50", overview) == ["500 ms"])
        for second in 2..<30 { overview.took(NodeReading(slow, at: self.start + .seconds(second)), of: 0) }
        #expect(self.cells("commit p50", overview) == ["–"])
    }

    @Test func nodesStandSideBySide() {
        var overview = self.overview(
            ["one:1", "two:2"],
            [[Self.page(accepted: 0), Self.page(accepted: 5)], [Self.page(accepted: 0, connections: 3)]]
        )
        #expect(self.cells("connections", overview) == ["1,204", "3"])
        overview.failed("does not answer (connection refused)", of: 1)
        #expect(self.cells("state", overview) == ["ready", "no answer"])
        #expect(overview.table(columns: 100).contains("two:2: does not answer (connection refused)"))
        #expect(!overview.isComplete)
        overview.failed("x", of: 7)
    }

    @Test func whatIsNoNodeIsTold() {
        let overview = self.overview(["one"], [[MetricsPage("up 1\n")]])
        #expect(overview.table(columns: 100).contains { $0.contains("not as a node") })
    }

    @Test func sourcesAreToldWithTheirState() {
        let more = """
            broadtape_source_state{source="chain:mainnet",state="following"} 0
            broadtape_source_state{source="chain:mainnet",state="stale"} 1
            broadtape_source_position{source="chain:mainnet"} 19000000
            broadtape_source_head{source="chain:mainnet"} 19000100
            broadtape_source_lag_seconds{source="chain:mainnet"} 75

            """
        let overview = self.overview(["one"], [[Self.page(accepted: 1, more: more)]])
        let line = overview.table(columns: 120).first { $0.contains("chain:mainnet") }
        #expect(
            line?.split(separator: "  ").map { $0.filter { $0 != " " } }
                == ["chain:mainnet", "stale", "19,000,000", "19,000,100", "75.0s", "one"]
        )
        #expect(overview.lines(at: "now").first?.hasSuffix("stale=chain:mainnet") == true)
    }

    @Test(arguments: [20, 40, 60, 80, 200])
    func noLineIsLongerThanTheWindowIsWide(columns: Int) {
        let names = (1...5).map { "a-node-with-a-long-name-\($0).example:8081" }
        let overview = self.overview(names, names.map { _ in [Self.page(accepted: 1), Self.page(accepted: 2)] })
        let table = overview.table(columns: columns)
        #expect(table.allSatisfy { $0.count <= columns })
        #expect((columns >= 200) == !table.contains { $0.contains("do not fit") || $0.contains("more nodes") })
    }

    @Test(arguments: [1, 5, 20])
    func noMoreLinesThanTheWindowIsHigh(rows: Int) throws {
        let overview = self.overview(["one"], [[Self.page(accepted: 1)]])
        let all = overview.table(columns: 80)
        let table = overview.table(columns: 80, rows: rows)
        #expect(table.count == rows)
        #expect(table.last?.contains("\(all.count - rows + 1) more lines") == true)
        #expect(overview.table(columns: 80, rows: all.count) == all)
    }

    @Test func linesAreForMachines() throws {
        var overview = self.overview(
            ["one", "two"],
            [[Self.page(accepted: 1_000), Self.page(accepted: 1_250)], [Self.page(accepted: 1)]]
        )
        overview.failed("gone", of: 1)
        let lines = overview.lines(at: "2026-11-21T20:00:00Z")
        #expect(lines.count == 2)
        #expect(lines[0].hasPrefix("2026-11-21T20:00:00Z node=one state=ready connections=1204 accepts=0.0 "))
        #expect(lines[0].contains(" events=250.0 "))
        #expect(lines[0].contains(" commit-p50=0.001000 "))
        #expect(lines[0].contains(" delivery-p50=- "))
        #expect(lines[1] == #"2026-11-21T20:00:00Z node=two state=unreachable reason="gone""#)
    }
}
