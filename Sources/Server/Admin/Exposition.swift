// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub

/// The hub's figures, as monitoring reads them.
struct Exposition {
    private var page = PrometheusText()

    var text: String { self.page.text }

    init(of hub: Hub, _ process: ProcessFigures, published: PublishedKeys? = nil) async {
        var sessions = 0
        var subscriptions = 0
        var behind = 0
        var slowConsumers = 0
        var loops = RosterFigures()
        for roster in hub.rosters {
            sessions += await roster.sessionCount
            subscriptions += await roster.subscriptionCount
            behind += await roster.behindCount
            slowConsumers += await roster.closedSlowConsumers
            loops.add(await roster.figures)
        }
        self.page.add("broadtape_connections", .gauge, "WebSocket connections.", sessions)
        self.page.add("broadtape_subscriptions", .gauge, "Subscriptions of all connections.", subscriptions)
        self.page.add("broadtape_behind_subscriptions", .gauge, "Subscriptions that are catching up.", behind)
        self.page.add("broadtape_slow_consumers_closed_total", .counter, "Closed with 4008.", slowConsumers)
        self.add(loops)
        self.add(tally: await hub.writer.tally)
        self.add(figures: await hub.writer.figures)
        self.addState(of: hub)
        self.add(process)
        if let published { self.add(published.tally) }
        self.add(hub.sources.all)
        if let fanIn = hub.fanIn { self.add(await fanIn.tally) }
    }

    private mutating func add(_ loops: RosterFigures) {
        self.page.add("broadtape_accepts_total", .counter, "WebSocket connections accepted.", loops.sessions)
        self.page.add(
            "broadtape_closes_total",
            .counter,
            "WebSocket connections ended, by close code; 1006 without one.",
            loops.closes.sorted { $0.key < $1.key }.map { code, count in
                PrometheusText.Sample("code", code == RosterFigures.otherCode ? "other" : String(code), count)
            }
        )
        self.page.add("broadtape_commit_to_send_seconds", "From the commit to the write.", loops.commitToSend)
        self.page.add("broadtape_loop_lag_seconds", "By how much loops came late to their work.", loops.lag)
        self.page.add("broadtape_falls_behind_total", .counter, "Times a subscription fell behind.", loops.fallsBehind)
        self.page.add("broadtape_gaps_total", .counter, "Times it did because numbers were missing.", loops.gaps)
        self.page.add("broadtape_ring_pages_total", .counter, "Pages of replay from memory.", loops.ringPages)
    }

    private mutating func add(tally: TapeWriter.Tally) {
        self.page.add("broadtape_events_accepted_total", .counter, "Events committed.", tally.accepted)
        self.page.add("broadtape_events_duplicate_total", .counter, "Events that stood already.", tally.duplicates)
        self.page.add("broadtape_requests_conflicting_total", .counter, "Refused for a taken id.", tally.conflicts)
        self.page.add("broadtape_requests_unfit_total", .counter, "Refused by the tape for their content.", tally.unfit)
        self.page.add("broadtape_requests_failed_total", .counter, "Could not be committed.", tally.failures)
        self.page.add("broadtape_commits_total", .counter, "Transactions.", tally.batches)
        self.page.add("broadtape_requests_refused_total", .counter, "Refused as overloaded.", tally.refusals)
        self.page.add("broadtape_write_queue_bytes", .gauge, "Events waiting for their commit.", tally.waitingBytes)
    }

    private mutating func add(figures: WriterFigures) {
        self.page.add(
            "broadtape_events_total",
            .counter,
            "Events handed to the tape, by type and result.",
            figures.events.sorted { $0.key < $1.key }.flatMap { type, results in
                results.sorted { $0.key.rawValue < $1.key.rawValue }.map { result, count in
                    PrometheusText.Sample([("type", type), ("result", result.rawValue)], count)
                }
            }
        )
        self.page.add("broadtape_commit_seconds", "Time of one transaction.", figures.commit)
        self.page.add("broadtape_batch_events", "Events of one transaction.", figures.batch)
        self.page.add("broadtape_event_age_seconds", "From the event's time to its commit.", figures.age)
    }

    private mutating func addState(of hub: Hub) {
        self.page.add(
            "broadtape_publish_refusals_total",
            .counter,
            "Publish requests refused before the tape, by error code.",
            hub.intake.refusals.all.sorted { $0.key.rawValue < $1.key.rawValue }.map { code, count in
                PrometheusText.Sample("code", code.rawValue, count)
            }
        )
        self.page.add("broadtape_revocations", .gauge, "Revocations that hold.", hub.revocations.list.count)
        self.page.add("broadtape_audit_waiting", .gauge, "Audit records waiting to be written.", hub.audit.waiting)
        self.page.add("broadtape_channels", .gauge, "Channels in memory.", hub.registry.count)
        self.page.add("broadtape_ring_bytes", .gauge, "Recent frames in memory.", hub.registry.ringBytes)
        self.page.add("broadtape_ready", .gauge, "1 while events can be committed.", hub.isReady ? 1 : 0)
        self.page.add("broadtape_draining", .gauge, "1 while the node is leaving.", hub.isDraining ? 1 : 0)
        self.page.add("broadtape_paused", .gauge, "1 while events cannot be committed.", hub.notice.isPaused ? 1 : 0)
        let state = hub.tapeState
        self.page.add(
            "broadtape_database_state",
            .gauge,
            "How the database is: 1 at the state that holds.",
            TapeHealth.State.allCases.map { PrometheusText.Sample("state", $0.rawValue, $0 == state ? 1 : 0) }
        )
        self.page.add(
            "broadtape_page_reads_total",
            .counter,
            "Pages of replay from the tape.",
            hub.reader.pageReadCount
        )
        self.page.add("broadtape_head_reads_total", .counter, "Heads asked of the tape.", hub.polledHeadCount)
        self.page.add("broadtape_bus_refused_total", .counter, "Messages that no node has sent.", hub.bus.refused)
        self.page.add(
            "broadtape_bus_reach",
            .gauge,
            "Whom the bus reaches: 1 at the one that holds.",
            [BusReach.alone, .connected, .cut].map { reach in
                PrometheusText.Sample("reach", "\(reach)", reach == hub.bus.reach ? 1 : 0)
            }
        )
    }

    private mutating func add(_ process: ProcessFigures) {
        self.page.add(
            "broadtape_descriptor_limit",
            .gauge,
            "File descriptors that the process may have.",
            process.descriptors.limit
        )
        self.page.add(
            "broadtape_descriptor_refusals_total",
            .counter,
            "Connections refused for want of file descriptors.",
            process.descriptors.refusals
        )
        self.page.add(
            "broadtape_log_lines_dropped_total",
            .counter,
            "Lines of the log that could not be written, or not in time.",
            process.droppedLogLines()
        )
    }

    private mutating func add(_ published: PublishedKeys.Tally) {
        self.page.add("broadtape_jwks_usable", .gauge, "1 while tokens can be checked.", published.isUsable ? 1 : 0)
        self.page.add("broadtape_jwks_keys", .gauge, "Keys that the issuer publishes.", published.keys)
        self.page.add("broadtape_jwks_fetches_total", .counter, "Times they were fetched.", published.fetches)
        self.page.add("broadtape_jwks_failures_total", .counter, "Times they could not be.", published.failures)
    }

    private mutating func add(_ sources: [SourceReport]) {
        guard !sources.isEmpty else { return }
        self.page.add(
            "broadtape_source_state",
            .gauge,
            "How each source of this node is: 1 at the state that holds.",
            sources.flatMap { source in
                SourceReport.State.allCases.map { state in
                    PrometheusText.Sample(
                        [("source", source.name), ("state", state.rawValue)],
                        state == source.state ? 1 : 0
                    )
                }
            }
        )
        func samples(_ value: (SourceReport) -> Int?) -> [PrometheusText.Sample] {
            sources.compactMap { source in value(source).map { PrometheusText.Sample("source", source.name, $0) } }
        }
        self.page.add("broadtape_source_position", .gauge, "How far a source has read.", samples(\.position))
        self.page.add("broadtape_source_head", .gauge, "How far there is to read.", samples(\.head))
        self.page.add("broadtape_source_events_total", .counter, "Events it has committed here.", samples(\.events))
        self.page.add(
            "broadtape_source_refused_total",
            .counter,
            "What a source was told and did not take, by reason.",
            sources.flatMap { source in
                source.refusals.sorted { $0.key < $1.key }.map { reason, count in
                    PrometheusText.Sample([("source", source.name), ("reason", reason)], count)
                }
            }
        )
        self.page.add(
            "broadtape_source_lag_seconds",
            .gauge,
            "How old the newest of what it has read is.",
            sources.compactMap { source in
                source.lag.map { PrometheusText.Sample("source", source.name, seconds: $0 / .seconds(1)) }
            }
        )
        self.addEndpoints(of: sources)
    }

    private mutating func addEndpoints(of sources: [SourceReport]) {
        func samples(_ value: (EndpointReport) -> Int?) -> [PrometheusText.Sample] {
            sources.flatMap { source in
                source.endpoints.compactMap { endpoint in
                    value(endpoint).map { PrometheusText.Sample(Self.labels(source, endpoint), $0) }
                }
            }
        }
        self.page.add(
            "broadtape_source_endpoint_up",
            .gauge,
            "1 while nothing is wrong with an endpoint of a source.",
            samples { $0.trouble == nil ? 1 : 0 }
        )
        self.page.add(
            "broadtape_source_endpoint_used",
            .gauge,
            "1 at the endpoint that is asked.",
            samples { $0.isUsed ? 1 : 0 }
        )
        self.page.add("broadtape_source_endpoint_head", .gauge, "How far an endpoint is.", samples(\.head))
        self.page.add(
            "broadtape_source_endpoint_failures_total",
            .counter,
            "What has failed at an endpoint, by what was wrong.",
            sources.flatMap { source in
                source.endpoints.flatMap { endpoint in
                    endpoint.failures.sorted { $0.key < $1.key }.map { reason, count in
                        PrometheusText.Sample(Self.labels(source, endpoint) + [("reason", reason)], count)
                    }
                }
            }
        )
    }

    private static func labels(
        _ source: SourceReport,
        _ endpoint: EndpointReport
    ) -> [(name: String, value: String)] {
        [("source", source.name), ("endpoint", endpoint.name)]
    }

    private mutating func add(_ fanIn: FanIn.Tally) {
        self.page.add("broadtape_fanin_leader", .gauge, "1 while this node takes in.", fanIn.isLeading ? 1 : 0)
        self.page.add("broadtape_fanin_stale_sources", .gauge, "Sources that have fallen silent.", fanIn.stale)
        self.page.add("broadtape_fanin_held_bytes", .gauge, "Messages that are not settled yet.", fanIn.heldBytes)
        self.page.add(
            "broadtape_fanin_lag_seconds",
            .gauge,
            "How long the oldest message has waited.",
            seconds: fanIn.lag / .seconds(1)
        )
        let counters = [
            ("messages", "Messages received.", fanIn.messages),
            ("events", "Events of messages that stand on the tape.", fanIn.events),
            ("malformed", "Messages that are not events.", fanIn.malformed),
            ("conflicts", "Messages refused for a taken id.", fanIn.conflicts),
            ("duplicates", "Numbers that came again.", fanIn.duplicates),
            ("gaps", "Times that a source left numbers out.", fanIn.gaps),
            ("missing", "Numbers that sources left out.", fanIn.missing),
            ("letters", "Messages set aside.", fanIn.letters),
            ("letters_lost", "Messages that could not be set aside.", fanIn.lostLetters),
            ("untracked", "Messages of sources that are not followed.", fanIn.untracked),
            ("abandoned", "Messages given up at a hand-over.", fanIn.abandoned),
            ("retries", "Attempts to commit that failed.", fanIn.retries),
        ]
        for (name, help, value) in counters {
            self.page.add("broadtape_fanin_\(name)_total", .counter, help, value)
        }
    }
}
