// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Hummingbird
import HummingbirdCore
import JSON

/// `GET /status`, `GET /recent-errors?limit=`: overview of this node, for polling once a second.
extension AdminAPI {
    /// Maximum number of fan-in sources listed.
    private static let sources = 200

    /// Counters count from the start; readers compute differences themselves. Times are in seconds in histograms, in
    /// milliseconds elsewhere.
    func status() async -> Response {
        let hub = self.hub
        var (sessions, subscriptions, behind) = (0, 0, 0)
        var loops = SessionShardMetrics()
        for shard in hub.shards {
            sessions += await shard.sessionCount
            subscriptions += await shard.subscriptionCount
            behind += await shard.behindCount
            loops.add(await shard.figures)
        }
        let tally = await hub.writer.tally
        let figures = await hub.writer.figures
        var writer = JSON.Writer(reservingCapacity: 4_096)
        writer.beginObject()
        writer.member("node", string: hub.configuration.node)
        writer.member("time", string: Timestamp.now.description)
        writer.member("epoch", string: hub.tape.epoch)
        writer.member("ready", bool: hub.isReady)
        writer.member("paused", bool: hub.notice.isPaused)
        writer.member("database", string: hub.tapeState.rawValue)
        writer.member("trouble", string: hub.trouble)
        writer.member("draining", bool: hub.isDraining)
        writer.member("drainLeft", numberOrNull: hub.drainTimeLeft.map { $0.wholeMilliseconds })
        writer.member("bus", string: "\(hub.bus.reach)")
        writer.member("sharesTape", bool: hub.tape.isShared)
        writer.member("loops", integer: hub.shards.count)
        writer.member("connections", integer: sessions)
        writer.member("subscriptions", integer: subscriptions)
        writer.member("behind", integer: behind)
        writer.member("accepted", integer: tally.accepted)
        writer.member("duplicates", integer: tally.duplicates)
        writer.member(
            "refused",
            integer: tally.refusals + tally.unfit + hub.publisher.validator.rejections.all.values.reduce(0, +)
        )
        writer.member("writeQueueBytes", integer: tally.waitingBytes)
        writer.member("sessionsBegun", integer: loops.sessions)
        writer.member("channelsInMemory", integer: hub.registry.count)
        writer.member("ringBytes", integer: hub.registry.ringBytes)
        writer.member("revocations", integer: hub.revocations.list.count)
        writer.member("auditWaiting", integer: hub.audit.waiting)
        writer.member("recentErrors", integer: hub.recentErrors.total)
        writer.member("commit", figures.commit)
        writer.member("delivery", loops.commitToSend)
        writer.member("loopLag", loops.lag)
        self.writeCloses(loops, to: &writer)
        self.writeTypes(figures, to: &writer)
        await self.writeSources(to: &writer)
        writer.endObject()
        return Response(shown: writer)
    }

    private func writeCloses(_ loops: SessionShardMetrics, to writer: inout JSON.Writer) {
        writer.name("closes")
        writer.beginObject()
        for (code, count) in loops.closes.sorted(by: { $0.key < $1.key }) {
            writer.member(code == SessionShardMetrics.otherCode ? "other" : "\(code)", integer: count)
        }
        writer.endObject()
    }

    private func writeTypes(_ figures: WriterFigures, to writer: inout JSON.Writer) {
        writer.name("types")
        writer.beginArray()
        for type in self.hub.types.all {
            writer.beginObject()
            writer.member("name", string: type.name)
            writer.member("readers", string: type.readers.rawValue)
            writer.member("delivery", string: type.delivery.rawValue)
            writer.member("accepted", integer: figures.events[type.name]?[.accepted] ?? 0)
            writer.endObject()
        }
        writer.endArray()
    }

    private func writeSources(to writer: inout JSON.Writer) async {
        writer.name("sources")
        writer.beginArray()
        for source in self.hub.sources.all {
            writer.beginObject()
            writer.member("name", string: source.name)
            writer.member("state", string: source.state.rawValue)
            writer.member("position", numberOrNull: source.position)
            writer.member("head", numberOrNull: source.head)
            writer.member("events", integer: source.events)
            writer.member("lag", numberOrNull: source.lag.map { $0.wholeMilliseconds })
            writer.member("trouble", string: source.trouble)
            Self.write(source.endpoints, to: &writer)
            writer.member("time", string: source.time.description)
            writer.endObject()
        }
        writer.endArray()
        guard let fanIn = self.hub.fanIn else { return writer.member("fanIn", .null) }
        let tally = await fanIn.tally
        writer.name("fanIn")
        writer.beginObject()
        writer.member("leading", bool: tally.isLeading)
        writer.member("messages", integer: tally.messages)
        writer.member("events", integer: tally.events)
        writer.member("malformed", integer: tally.malformed)
        writer.member("gaps", integer: tally.gaps)
        writer.member("missing", integer: tally.missing)
        writer.member("letters", integer: tally.deadLetters)
        writer.member("stale", integer: tally.stale)
        writer.member("heldBytes", integer: tally.heldBytes)
        writer.member("lag", integer: tally.lag.wholeMilliseconds)
        writer.name("sources")
        writer.beginArray()
        for source in await fanIn.sources(limit: Self.sources) {
            writer.beginObject()
            writer.member("name", string: source.name)
            writer.member("seq", numberOrNull: source.seq)
            writer.member("heard", string: source.heard.description)
            writer.member("stale", bool: source.isStale)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }

    private static func write(_ endpoints: [EndpointReport], to writer: inout JSON.Writer) {
        writer.name("endpoints")
        writer.beginArray()
        for endpoint in endpoints {
            writer.beginObject()
            writer.member("name", string: endpoint.name)
            writer.member("used", bool: endpoint.isUsed)
            if let trouble = endpoint.trouble { writer.member("trouble", string: trouble) }
            if !endpoint.why.isEmpty { writer.member("why", string: endpoint.why) }
            if let since = endpoint.since { writer.member("since", string: since.description) }
            writer.member("head", numberOrNull: endpoint.head)
            writer.member("failures", integer: endpoint.failures.values.reduce(0, +))
            writer.endObject()
        }
        writer.endArray()
    }

    /// `{"errors": [{"number", "kind", "what", "detail", "subject", "first", "last", "count"}]}`, newest first.
    func recentErrors(_ request: Request) throws(Problem) -> Response {
        let limit = try Self.limit(request.uri.queryParameters["limit"])
        var writer = JSON.Writer()
        writer.beginObject()
        writer.name("errors")
        writer.beginArray()
        for entry in self.hub.recentErrors.all.prefix(limit) {
            writer.beginObject()
            writer.member("number", integer: entry.number)
            writer.member("kind", string: entry.kind.rawValue)
            writer.member("what", string: entry.what)
            writer.member("detail", string: entry.detail)
            writer.member("subject", string: entry.subject)
            writer.member("first", string: entry.first.description)
            writer.member("last", string: entry.last.description)
            writer.member("count", integer: entry.count)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return Response(shown: writer)
    }
}

extension JSON.Writer {
    fileprivate mutating func member(_ name: String, numberOrNull number: Int?) {
        if let number { self.member(name, integer: number) } else { self.member(name, .null) }
    }

    /// `{"bounds", "counts", "sum"}`; one count more than bounds, not cumulative.
    fileprivate mutating func member(_ name: String, _ histogram: Histogram) {
        self.name(name)
        self.beginObject()
        self.name("bounds")
        self.beginArray()
        for bound in histogram.scale.bounds { self.raw("\(bound)".utf8) }
        self.endArray()
        self.name("counts")
        self.beginArray()
        for count in histogram.counts { self.integer(count) }
        self.endArray()
        self.member("sum", raw: "\(histogram.sum)".utf8)
        self.endObject()
    }
}
