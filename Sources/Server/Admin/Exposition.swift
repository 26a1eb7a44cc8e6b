// SPDX-License-Identifier: Apache-2.0

import Hub

/// The hub's figures in Prometheus' text format.
struct Exposition {
    private(set) var text = ""

    init(of hub: Hub) async {
        var sessions = 0
        var subscriptions = 0
        for roster in hub.rosters {
            sessions += await roster.sessionCount
            subscriptions += await roster.subscriptionCount
        }
        let tally = await hub.writer.tally
        self.add("broadtape_connections", .gauge, "WebSocket connections.", sessions)
        self.add("broadtape_subscriptions", .gauge, "Subscriptions of all connections.", subscriptions)
        self.add("broadtape_channels", .gauge, "Channels in memory.", hub.registry.count)
        self.add("broadtape_ring_bytes", .gauge, "Recent frames in memory.", hub.registry.ringBytes)
        self.add("broadtape_ready", .gauge, "1 while events can be committed and delivered.", hub.isReady ? 1 : 0)
        self.add("broadtape_events_accepted_total", .counter, "Events committed.", tally.accepted)
        self.add("broadtape_events_duplicate_total", .counter, "Events that stood already.", tally.duplicates)
        self.add("broadtape_requests_conflicting_total", .counter, "Requests refused for a taken id.", tally.conflicts)
        self.add("broadtape_requests_failed_total", .counter, "Requests that could not be committed.", tally.failures)
        self.add("broadtape_commits_total", .counter, "Transactions.", tally.batches)
        self.add("broadtape_write_queue_bytes", .gauge, "Events waiting for their commit.", tally.waitingBytes)
    }

    private enum Kind: String {
        case gauge
        case counter
    }

    private mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: Int) {
        self.text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n\(name) \(value)\n"
    }
}
