// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import Hub
import Logging
import Server
import TestSupport
import Testing

/// Every metric is documented, and every documented metric exists.
struct MetricDocumentationTests {
    @Test func theDocumentHasWhatIsTold() async throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("docs/metrics.md"), encoding: .utf8)
        let documented = text.matches(of: #/(?m)^\| `(broadtape_[a-z_]+)` \| (gauge|counter|histogram) \| \S/#)
            .map { "\($0.1) \($0.2)" }
        #expect(Set(documented).count == documented.count, "a metric is documented twice")

        var setup = Setup()
        setup.isAdmin = true
        setup.fanIn = FanInPorts(source: ScriptedFanInSource(), store: RecordingFanInStore())
        setup.published = PublishedKeys(logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }) {
            throw CancellationError()
        }
        try await withServer(setup) { server in
            server.hub.sources.report(
                SourceReport(name: "chain:mainnet", types: ["chainEvent"], state: .following, position: 1, head: 2)
            )
            let page = try await server.request(.get("/metrics")).text
            let told = page.matches(of: #/# TYPE (\S+) (\S+)/#).map { "\($0.1) \($0.2)" }
            for metric in Set(told).symmetricDifference(documented).sorted() {
                Issue.record("\(metric) is \(told.contains(metric) ? "not in metrics.md" : "not told any more")")
            }
        }
    }
}
