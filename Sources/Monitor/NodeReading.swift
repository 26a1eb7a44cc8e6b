// SPDX-License-Identifier: Apache-2.0

/// One reading of a node.
package struct NodeReading: Sendable {
    /// The state of a source of the node.
    package struct Source: Sendable, Equatable {
        package var name: String
        package var state: String
        package var position: Double?
        package var head: Double?
        /// In seconds.
        package var lag: Double?
    }

    let time: ContinuousClock.Instant
    let page: MetricsPage

    package init(_ page: MetricsPage, at time: ContinuousClock.Instant) {
        self.page = page
        self.time = time
    }

    /// Whether this is a page of a node at all.
    package var isNode: Bool {
        !self.page.all("broadtape_connections").isEmpty
    }

    /// The state of the node, in a word.
    var state: String {
        if self.page.value("broadtape_draining") > 0 { return "draining" }
        if self.page.value("broadtape_paused") > 0 { return "paused" }
        return self.page.value("broadtape_ready") > 0 ? "ready" : "not ready"
    }

    /// Ascending by name.
    var sources: [Source] {
        func value(_ metric: String, _ name: String) -> Double? {
            self.page.all("broadtape_source_\(metric)").first { $0.labels["source"] == name }?.value
        }
        return self.page.all("broadtape_source_state").filter { $0.value > 0 }.compactMap { sample in
            sample.labels["source"].map { name in
                Source(
                    name: name,
                    state: sample.labels["state"] ?? "",
                    position: value("position", name),
                    head: value("head", name),
                    lag: value("lag_seconds", name)
                )
            }
        }.sorted { $0.name < $1.name }
    }

    var bus: String {
        self.page.all("broadtape_bus_reach").first { $0.value > 0 }?.labels["reach"] ?? ""
    }
}
