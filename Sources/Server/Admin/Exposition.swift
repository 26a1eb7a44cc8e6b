// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub

/// The hub's metrics in Prometheus format.
struct Exposition {
    private var page = PrometheusText()

    var text: String { self.page.text }

    init(of hub: Hub, _ process: ProcessFigures, published: PublishedKeys? = nil) async {
        var sessions = 0
        var subscriptions = 0
        var behind = 0
        var slowConsumers = 0
        var loops = SessionShardMetrics()
        for shard in hub.shards {
            sessions += await shard.sessionCount
            subscriptions += await shard.subscriptionCount
            behind += await shard.behindCount
            slowConsumers += await shard.closedSlowConsumers
            loops.add(await shard.figures)
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

    private mutating func add(_ loops: SessionShardMetrics) {
        self.page.add("broadtape_accepts_total", .counter, "WebSocket connections accepted.", loops.sessions)
        self.page.add(
            "broadtape_closes_total",
            .counter,
            "WebSocket connections closed, by close code; 1006 if there was none.",
            loops.closes.sorted { $0.key < $1.key }.map { code, count in
                PrometheusText.Sample("code", code == SessionShardMetrics.otherCode ? "other" : String(code), count)
            }
        )
        self.page.add(
            "broadtape_commit_to_send_seconds",
            "Time from the commit to the write to the socket.",
            loops.commitToSend
        )
        self.page.add("broadtape_loop_lag_seconds", "Event-loop lag.", loops.lag)
        self.page.add("broadtape_falls_behind_total", .counter, "Times a subscription fell behind.", loops.fallsBehind)
        self.page.add(
            "broadtape_gaps_total",
            .counter,
            "Times a subscription fell behind because of missing numbers.",
            loops.gaps
        )
        self.page.add("broadtape_ring_pages_total", .counter, "Replay pages read from memory.", loops.ringPages)
    }

    private mutating func add(tally: TapeWriter.Tally) {
        self.page.add("broadtape_events_accepted_total", .counter, "Events committed.", tally.accepted)
        self.page.add(
            "broadtape_events_duplicate_total",
            .counter,
            "Events that were already committed.",
            tally.duplicates
        )
        self.page.add(
            "broadtape_requests_conflicting_total",
            .counter,
            "Requests refused because an ID was already used.",
            tally.conflicts
        )
        self.page.add(
            "broadtape_requests_unfit_total",
            .counter,
            "Requests refused by the tape for their content.",
            tally.unfit
        )
        self.page.add(
            "broadtape_requests_failed_total",
            .counter,
            "Requests that could not be committed.",
            tally.failures
        )
        self.page.add("broadtape_commits_total", .counter, "Transactions.", tally.batches)
        self.page.add(
            "broadtape_requests_refused_total",
            .counter,
            "Requests refused because of overload.",
            tally.refusals
        )
        self.page.add(
            "broadtape_write_queue_bytes",
            .gauge,
            "Size of events waiting for their commit.",
            tally.waitingBytes
        )
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
        self.page.add("broadtape_commit_seconds", "Duration of one transaction.", figures.commit)
        self.page.add("broadtape_batch_events", "Events per transaction.", figures.batch)
        self.page.add("broadtape_event_age_seconds", "Time from the event's timestamp to its commit.", figures.age)
    }

    private mutating func addState(of hub: Hub) {
        self.page.add(
            "broadtape_publish_refusals_total",
            .counter,
            "Publish requests refused before the commit, by error code.",
            hub.publisher.validator.rejections.all.sorted { $0.key.rawValue < $1.key.rawValue }.map { code, count in
                PrometheusText.Sample("code", code.rawValue, count)
            }
        )
        self.page.add("broadtape_revocations", .gauge, "Active revocations.", hub.revocations.list.count)
        self.page.add("broadtape_audit_waiting", .gauge, "Audit records waiting to be written.", hub.audit.waiting)
        self.page.add("broadtape_channels", .gauge, "Channels in memory.", hub.registry.count)
        self.page.add("broadtape_ring_bytes", .gauge, "Size of recent frames in memory.", hub.registry.ringBytes)
        self.page.add("broadtape_ready", .gauge, "1 while events can be committed.", hub.isReady ? 1 : 0)
        self.page.add("broadtape_draining", .gauge, "1 while the node is draining.", hub.isDraining ? 1 : 0)
        self.page.add("broadtape_paused", .gauge, "1 while events cannot be committed.", hub.notice.isPaused ? 1 : 0)
        let state = hub.tapeState
        self.page.add(
            "broadtape_database_state",
            .gauge,
            "State of the database: 1 for the current state.",
            TapeHealth.State.allCases.map { PrometheusText.Sample("state", $0.rawValue, $0 == state ? 1 : 0) }
        )
        self.page.add(
            "broadtape_page_reads_total",
            .counter,
            "Replay pages read from the tape.",
            hub.reader.pageReadCount
        )
        self.page.add(
            "broadtape_head_reads_total",
            .counter,
            "Channel heads read from the tape by polling.",
            hub.polledHeadCount
        )
        self.page.add(
            "broadtape_bus_refused_total",
            .counter,
            "Bus messages refused because no node has sent them.",
            hub.bus.refused
        )
        self.page.add(
            "broadtape_bus_reach",
            .gauge,
            "Reach of the bus: 1 for the current state.",
            [BusReach.alone, .connected, .cut].map { reach in
                PrometheusText.Sample("reach", "\(reach)", reach == hub.bus.reach ? 1 : 0)
            }
        )
    }

    private mutating func add(_ process: ProcessFigures) {
        self.page.add(
            "broadtape_descriptor_limit",
            .gauge,
            "File descriptor limit of the process.",
            process.descriptors.limit
        )
        self.page.add(
            "broadtape_descriptor_refusals_total",
            .counter,
            "Connections refused because of too few file descriptors.",
            process.descriptors.refusals
        )
        self.page.add(
            "broadtape_log_lines_dropped_total",
            .counter,
            "Log lines dropped because they could not be written in time.",
            process.droppedLogLines()
        )
    }

    private mutating func add(_ published: PublishedKeys.Tally) {
        self.page.add(
            "broadtape_jwks_usable",
            .gauge,
            "1 while tokens can be verified with the published keys.",
            published.isUsable ? 1 : 0
        )
        self.page.add("broadtape_jwks_keys", .gauge, "Keys in the issuer's set.", published.keys)
        self.page.add("broadtape_jwks_fetches_total", .counter, "Successful fetches of the key set.", published.fetches)
        self.page.add("broadtape_jwks_failures_total", .counter, "Failed fetches of the key set.", published.failures)
    }

    private mutating func add(_ sources: [SourceReport]) {
        guard !sources.isEmpty else { return }
        self.page.add(
            "broadtape_source_state",
            .gauge,
            "State of each source of this node: 1 for the current state.",
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
        self.page.add(
            "broadtape_source_position",
            .gauge,
            "Position up to which a source has read.",
            samples(\.position)
        )
        self.page.add("broadtape_source_head", .gauge, "Newest position of a source.", samples(\.head))
        self.page.add(
            "broadtape_source_events_total",
            .counter,
            "Events of a source committed by this node.",
            samples(\.events)
        )
        self.page.add(
            "broadtape_source_refused_total",
            .counter,
            "Inputs a source has rejected, by reason.",
            sources.flatMap { source in
                source.refusals.sorted { $0.key < $1.key }.map { reason, count in
                    PrometheusText.Sample([("source", source.name), ("reason", reason)], count)
                }
            }
        )
        self.page.add(
            "broadtape_source_lag_seconds",
            .gauge,
            "Age of the newest data a source has read.",
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
            "1 while an endpoint of a source is healthy.",
            samples { $0.trouble == nil ? 1 : 0 }
        )
        self.page.add(
            "broadtape_source_endpoint_used",
            .gauge,
            "1 for the endpoint in use.",
            samples { $0.isUsed ? 1 : 0 }
        )
        self.page.add("broadtape_source_endpoint_head", .gauge, "Newest position of an endpoint.", samples(\.head))
        self.page.add(
            "broadtape_source_endpoint_failures_total",
            .counter,
            "Failures of an endpoint, by reason.",
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
        self.page.add("broadtape_fanin_leader", .gauge, "1 while this node reads the fan-in.", fanIn.isLeading ? 1 : 0)
        self.page.add("broadtape_fanin_stale_sources", .gauge, "Sources that are stale.", fanIn.stale)
        self.page.add(
            "broadtape_fanin_held_bytes",
            .gauge,
            "Size of messages that are not committed or rejected yet.",
            fanIn.heldBytes
        )
        self.page.add(
            "broadtape_fanin_lag_seconds",
            .gauge,
            "Waiting time of the oldest message.",
            seconds: fanIn.lag / .seconds(1)
        )
        let counters = [
            ("messages", "Messages received.", fanIn.messages),
            ("events", "Events of messages committed to the tape.", fanIn.events),
            ("malformed", "Messages that are not events.", fanIn.malformed),
            ("conflicts", "Messages refused because an ID was already used.", fanIn.conflicts),
            ("duplicates", "Numbers received again.", fanIn.duplicates),
            ("gaps", "Gaps in the numbers of a source.", fanIn.gaps),
            ("missing", "Missing numbers of all gaps.", fanIn.missing),
            ("letters", "Messages stored as dead letters.", fanIn.deadLetters),
            ("letters_lost", "Messages that could not be stored as dead letters.", fanIn.lostDeadLetters),
            ("untracked", "Messages of sources that are not tracked.", fanIn.untracked),
            ("abandoned", "Messages abandoned at a change of leadership.", fanIn.abandoned),
            ("retries", "Failed commit attempts.", fanIn.retries),
        ]
        for (name, help, value) in counters {
            self.page.add("broadtape_fanin_\(name)_total", .counter, help, value)
        }
    }
}
