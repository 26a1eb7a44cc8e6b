// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import ChainSource
import EventLog
import Ingest
import TestSupport
import Testing

/// Failover from a provider's unusable endpoint over HTTP: each kind of failure in turn.
@Suite(.system, .serialized, .timeLimit(.minutes(15)))
struct FailoverSystemTests {
    struct Row: Sendable, CustomStringConvertible {
        var mode: String
        var members: String
        var trouble: EndpointTrouble
        /// Instead of the gate.
        var url: String?

        init(_ mode: String, _ members: String = "", _ trouble: EndpointTrouble, url: String? = nil) {
            (self.mode, self.members, self.trouble, self.url) = (mode, members, trouble, url)
        }

        var description: String { self.url ?? "\(self.mode) \(self.members)" }

        /// What both kinds of sources meet.
        static let common = [
            Row("status", #""status":401,"body":"invalid project id""#, .refused),
            Row("status", #""status":402"#, .refused),
            Row("status", #""status":403,"body":"<html>Access denied""#, .refused),
            Row("status", #""status":404"#, .refused),
            Row("status", #""status":405"#, .refused), Row("status", #""status":410"#, .refused),
            Row("status", #""status":451"#, .refused), Row("redirect", .refused),
            Row("status", #""status":429"#, .throttled),
            Row("status", #""status":429,"headers":{"Retry-After":"86400"}"#, .throttled),
            Row("status", #""status":500"#, .failing), Row("status", #""status":502,"body":"<html>""#, .failing),
            Row("status", #""status":503,"headers":{"Retry-After":"3600"}"#, .failing), Row("html", .failing),
            Row("garbage", .failing), Row("endless", .failing), Row("hang", .unreachable), Row("drip", .unreachable),
            Row("close", .unreachable), Row("connection refused", .unreachable, url: "http://127.0.0.1:1/key"),
            Row("no such name", .unreachable, url: "http://no-such-host.invalid/key"),
        ]

        private init(_ mode: String, _ trouble: EndpointTrouble, url: String? = nil) {
            self.init(mode, "", trouble, url: url)
        }

        static func error(_ code: Int, _ message: String, _ trouble: EndpointTrouble, of methods: String = "") -> Row {
            let part = methods.isEmpty ? "" : #","methods":["\#(methods)"]"#
            return Row("error", #""code":\#(code),"message":"\#(message)"\#(part)"#, trouble)
        }
    }

    private static let rows =
        Row.common + [
            Row("status", #""status":413"#, .failing), .error(-32_001, "Unauthorized", .refused),
            .error(-32_002, "rejected due to project ID settings", .refused),
            .error(-32_005, "daily request count exceeded", .throttled),
            .error(-32_600, "Must be authenticated!", .refused),
            .error(-32_601, "method not available", .refused, of: "eth_getLogs"),
            .error(-32_000, "missing trie node 0a (path )", .pruned, of: "eth_getLogs"),
            .error(-32_000, "header not found", .failing, of: "eth_getBlockByNumber"),
            Row("batch", #""code":-32600,"message":"batches are not supported""#, .refused),
            Row("batch", #""code":-32005,"message":"project ID request rate exceeded""#, .throttled),
            Row("prune", #""before":6"#, .pruned), Row("prune", #""before":6,"as":"null""#, .failing),
            Row("chain", #""id":5"#, .foreign), Row("lag", #""by":5"#, .behind),
        ]

    /// What the reports have shown so far.
    private struct Seen: Sendable {
        /// The second endpoint was in use after the first had failed in what the row says.
        var hasMoved = false
        /// All was read after that. The first may be in use again: what it has pruned is not asked for any more.
        var isFollowing = false
        /// The trouble of the source was that of the first endpoint, by its name.
        var isNamed = false
        /// A report with the key of an address.
        var leak: SourceReport?

        var isComplete: Bool { self.hasMoved && self.isFollowing && self.isNamed }

        mutating func look(at report: SourceReport, _ row: Row) {
            guard let first = report.endpoints.first, let last = report.endpoints.last else { return }
            let hasFailed = first.failures[row.trouble.rawValue] ?? 0 > 0
            if hasFailed, last.isUsed {
                self.hasMoved = true
                if report.trouble.contains(first.name) { self.isNamed = true }
            }
            if self.hasMoved, report.state == .following { self.isFollowing = true }
            if "\(report)".contains("0123456789abcdef") { self.leak = report }
        }
    }

    /// Quick enough for a test.
    static func rules(_ rules: EndpointRotation.Rules, lag: Int) -> EndpointRotation.Rules {
        var rules = rules
        rules.rest = .milliseconds(20) ... .milliseconds(100)
        rules.longestRest = .milliseconds(200)
        rules.probation = .milliseconds(50) ... .milliseconds(50)
        rules.probe = .milliseconds(50)
        rules.stall = .seconds(600)
        rules.lag = lag
        return rules
    }

    private static var limits: EVMChainSource.Limits {
        var limits = EVMChainSource.Limits()
        limits.poll = .milliseconds(20)
        return limits
    }

    static var pace: SourceRunner.Limits {
        var pace = SourceRunner.Limits()
        pace.retry = .milliseconds(5) ... .milliseconds(20)
        pace.report = .zero
        return pace
    }

    /// Follows a chain while the body does something.
    private static func following(
        _ chain: Chain,
        _ urls: [String],
        _ rules: EndpointRotation.Rules,
        onReport: @escaping @Sendable (SourceReport) -> Void = { _ in },
        _ body: (RecordingSink, Watched<SourceReport?>) async throws -> Void
    ) async throws {
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: .init(redirectConfiguration: .disallow)
        )
        var limits = HTTPNode.Limits()
        limits.time = .seconds(1)
        let node = HTTPNode(urls: urls, client: client, limits: limits, rules: rules, logger: Following.quiet)
        let sink = RecordingSink()
        let report = Watched<SourceReport?>(nil)
        let follower = Follower(chain: chain, node: node, sink: sink, logger: Following.quiet)
        let runner = Following.runner(of: follower, limits: Self.limits, pace: Self.pace) { new in
            report.change { $0 = new }
            onReport(new)
        }
        let result: Result<Void, any Error> = await withTaskGroup(of: Void.self) { group in
            group.addTask { await runner.run() }
            let result: Result<Void, any Error>
            do {
                try await body(sink, report)
                result = .success(())
            } catch {
                result = .failure(error)
            }
            group.cancelAll()
            return result
        }
        try await client.shutdown()
        try result.get()
    }

    private static func settled(_ sink: RecordingSink, _ peer: PeerNode, _ chain: Chain, _ row: Row) async throws {
        let truth = try await peer.truth(chain)
        try await sink.state.wait(for: "the whole chain: \(row)") { state in
            Replay(state.events).differences(from: truth).isEmpty
        }
    }

    @Test func nodesOfEachKind() async throws {
        try await PeerNode.with(seed: 61) { peer in
            try await peer.control("emit", "12", "2", "1")
            try await GatePeer.with(before: peer.port) { gate in
                let tls = Row("TLS", "", .unreachable, url: "https://127.0.0.1:\(peer.port)/key")
                for row in Self.rows + [tls] {
                    try await gate.set(row.url == nil ? row.mode : "pass", row.members)
                    var chain = try peer.chain()
                    chain.chainID = 1_337
                    let rules = Self.rules(.chain, lag: 3)
                    let urls = [row.url ?? gate.url, peer.url]
                    let seen = Watched(Seen())
                    let look: @Sendable (SourceReport) -> Void = { new in seen.change { $0.look(at: new, row) } }
                    try await Self.following(chain, urls, rules, onReport: look) { sink, report in
                        try await Self.settled(sink, peer, chain, row)
                        // What shows only when logs are asked for is forgiven while there are none to ask for: the first
                        // endpoint is back then, and is found out again with the next block.
                        try await eventually("the endpoints' reports: \(row)") {
                            if seen.value.isComplete { return true }
                            try await peer.control("emit", "1", "2", "1")
                            try await Self.settled(sink, peer, chain, row)
                            return seen.value.isComplete
                        }
                        #expect(seen.value.leak == nil, "\(row)")
                        guard row.url == nil else { return }
                        // It is well again: used again, as it is the preferred one.
                        try await gate.set("pass")
                        try await report.wait(for: "the first endpoint: \(row)") { report in
                            report?.endpoints.first?.isUsed == true && report?.trouble == ""
                        }
                        try await peer.control("emit", "1", "2", "1")
                        try await Self.settled(sink, peer, chain, row)
                        #expect(Replay(sink.state.value.events).undone == 0, "\(row)")
                    }
                }
            }
        }
    }

    /// It answers, and its head does not move.
    @Test func nodeThatStandsStill() async throws {
        try await PeerNode.with(seed: 62) { peer in
            try await peer.control("emit", "6", "2", "1")
            try await GatePeer.with(before: peer.port) { gate in
                var rules = Self.rules(.chain, lag: 100)
                rules.stall = .milliseconds(500)
                rules.probation = .seconds(60) ... .seconds(60)
                let chain = try peer.chain()
                try await Self.following(chain, [gate.url, peer.url], rules) { sink, report in
                    let row = Row("freeze", "", .stalled)
                    try await Self.settled(sink, peer, chain, row)
                    try await gate.set("freeze")
                    try await peer.control("emit", "2", "2", "1")
                    try await Self.settled(sink, peer, chain, row)
                    try await report.wait(for: "the report") { $0?.endpoints.last?.isUsed == true }
                    #expect(report.value?.endpoints.first?.trouble == "stalled")
                    #expect(Replay(sink.state.value.events).undone == 0)
                }
            }
        }
    }

    /// The second one lags behind what was read: it is waited for, and nothing is taken back.
    @Test func nodeThatLagsBehindWhatWasRead() async throws {
        try await PeerNode.with(seed: 63) { peer in
            try await peer.control("emit", "12", "2", "1")
            try await GatePeer.with(before: peer.port) { first in
                try await GatePeer.with(before: peer.port) { second in
                    try await second.set("lag", #""by":4"#)
                    let chain = try peer.chain()
                    let rules = Self.rules(.chain, lag: 3)
                    try await Self.following(chain, [first.url, second.url], rules) { sink, report in
                        let row = Row("lag", "", .behind)
                        try await Self.settled(sink, peer, chain, row)
                        try await first.set("status", #""status":401"#)
                        try await report.wait(for: "the second one") { $0?.endpoints.last?.isUsed == true }
                        #expect(report.value?.endpoints.last?.trouble == "behind")
                        try await peer.control("emit", "6", "2", "1")
                        try await second.set("pass")
                        try await Self.settled(sink, peer, chain, row)
                        let replay = Replay(sink.state.value.events)
                        #expect(replay.undone == 0)
                        #expect(replay.faults == [])
                    }
                }
            }
        }
    }

    /// Both endpoints reject requests: the source is stale, reports why, never halts, and recovers by itself.
    @Test func allRefuse() async throws {
        try await PeerNode.with(seed: 64) { peer in
            try await peer.control("emit", "6", "2", "1")
            try await GatePeer.with(before: peer.port) { first in
                try await GatePeer.with(before: peer.port) { second in
                    let chain = try peer.chain()
                    let rules = Self.rules(.chain, lag: 3)
                    try await Self.following(chain, [first.url, second.url], rules) { sink, report in
                        let row = Row("both", "", .refused)
                        try await Self.settled(sink, peer, chain, row)
                        try await first.set("status", #""status":403"#)
                        try await second.set("status", #""status":429"#)
                        try await report.wait(for: "both to be in trouble") {
                            $0?.endpoints.map(\.trouble) == ["refused", "throttled"]
                        }
                        try await peer.control("emit", "2", "2", "1")
                        let asked = try await second.set("count")
                        try await eventually("it keeps sending requests") { try await second.set("count") > asked + 5 }
                        #expect(report.value?.state != .stopped)
                        try await second.set("pass")
                        try await Self.settled(sink, peer, chain, row)
                    }
                }
            }
        }
    }
}
