// SPDX-License-Identifier: Apache-2.0

import Hub

/// The hub's figures in Prometheus' text format.
struct Exposition {
    private(set) var text = ""

    init(of hub: Hub) async {
        var sessions = 0
        var subscriptions = 0
        var slowConsumers = 0
        for roster in hub.rosters {
            sessions += await roster.sessionCount
            subscriptions += await roster.subscriptionCount
            slowConsumers += await roster.closedSlowConsumers
        }
        let tally = await hub.writer.tally
        self.add("broadtape_connections", .gauge, "WebSocket connections.", sessions)
        self.add("broadtape_subscriptions", .gauge, "Subscriptions of all connections.", subscriptions)
        self.add("broadtape_slow_consumers_closed_total", .counter, "Connections closed with 4008.", slowConsumers)
        self.add("broadtape_channels", .gauge, "Channels in memory.", hub.registry.count)
        self.add("broadtape_ring_bytes", .gauge, "Recent frames in memory.", hub.registry.ringBytes)
        self.add("broadtape_ready", .gauge, "1 while events can be committed and delivered.", hub.isReady ? 1 : 0)
        self.add("broadtape_events_accepted_total", .counter, "Events committed.", tally.accepted)
        self.add("broadtape_events_duplicate_total", .counter, "Events that stood already.", tally.duplicates)
        self.add("broadtape_requests_conflicting_total", .counter, "Requests refused for a taken id.", tally.conflicts)
        self.add("broadtape_requests_failed_total", .counter, "Requests that could not be committed.", tally.failures)
        self.add("broadtape_commits_total", .counter, "Transactions.", tally.batches)
        self.add("broadtape_requests_refused_total", .counter, "Requests refused as overloaded.", tally.refusals)
        self.add("broadtape_write_queue_bytes", .gauge, "Events waiting for their commit.", tally.waitingBytes)
        self.add("broadtape_paused", .gauge, "1 while events cannot be committed.", hub.notice.isPaused ? 1 : 0)
        self.add("broadtape_page_reads_total", .counter, "Pages of replay asked of the tape.", hub.reader.pageReadCount)
        self.add("broadtape_head_reads_total", .counter, "Heads of channels asked of the tape.", hub.polledHeadCount)
        self.add("broadtape_revocations", .gauge, "Revocations that hold.", hub.revocations.list.count)
        self.add("broadtape_audit_waiting", .gauge, "Audit records waiting to be written.", hub.audit.waiting)
        self.add(
            "broadtape_bus_reach",
            "Whom the bus reaches: 1 at the one that holds.",
            [BusReach.alone, .connected, .cut].map { ("reach=\"\($0)\"", $0 == hub.bus.reach ? 1 : 0) }
        )
        if let fanIn = hub.fanIn { await self.add(fanIn.tally) }
    }

    private mutating func add(_ fanIn: FanIn.Tally) {
        self.add("broadtape_fanin_leader", .gauge, "1 while this node takes in messages.", fanIn.isLeading ? 1 : 0)
        self.add("broadtape_fanin_stale_sources", .gauge, "Sources that have fallen silent.", fanIn.stale)
        self.add("broadtape_fanin_messages_total", .counter, "Messages received.", fanIn.messages)
        self.add("broadtape_fanin_events_total", .counter, "Events of messages that stand on the tape.", fanIn.events)
        self.add("broadtape_fanin_malformed_total", .counter, "Messages that are not events.", fanIn.malformed)
        self.add("broadtape_fanin_conflicts_total", .counter, "Messages refused for a taken id.", fanIn.conflicts)
        self.add("broadtape_fanin_duplicates_total", .counter, "Numbers that came again.", fanIn.duplicates)
        self.add("broadtape_fanin_gaps_total", .counter, "Times that a source left numbers out.", fanIn.gaps)
        self.add("broadtape_fanin_missing_total", .counter, "Numbers that sources left out.", fanIn.missing)
        self.add("broadtape_fanin_letters_total", .counter, "Messages set aside.", fanIn.letters)
        self.add("broadtape_fanin_letters_lost_total", .counter, "Messages that could not.", fanIn.lostLetters)
        self.add("broadtape_fanin_untracked_total", .counter, "Messages of sources not followed.", fanIn.untracked)
        self.add("broadtape_fanin_abandoned_total", .counter, "Messages given up at a hand-over.", fanIn.abandoned)
        self.add("broadtape_fanin_retries_total", .counter, "Attempts to commit that failed.", fanIn.retries)
    }

    private enum Kind: String {
        case gauge
        case counter
    }

    /// A gauge with labels.
    private mutating func add(_ name: String, _ help: String, _ values: [(label: String, value: Int)]) {
        self.text += "# HELP \(name) \(help)\n# TYPE \(name) \(Kind.gauge.rawValue)\n"
        for (label, value) in values {
            self.text += "\(name){\(label)} \(value)\n"
        }
    }

    private mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: Int) {
        self.text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n\(name) \(value)\n"
    }
}
