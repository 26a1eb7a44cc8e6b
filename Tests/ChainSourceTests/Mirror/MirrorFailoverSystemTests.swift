// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import ChainSource
import EventLog
import Ingest
import TestSupport
import Testing

/// Failover from a provider's unusable endpoint over HTTP: each kind of failure in turn.
@Suite(.system, .serialized, .timeLimit(.minutes(10)))
struct MirrorFailoverSystemTests {
    private typealias Row = FailoverSystemTests.Row

    private static let rows =
        Row.common + [
            Row("status", #""status":413"#, .refused), Row("lag", #""by":100"#, .behind),
            Row("missing", #""part":"blocks""#, .refused), Row("missing", #""part":"topics""#, .lacking),
        ]

    /// Follows a mirror while the body does something.
    private static func following(
        _ mirror: Mirror,
        _ urls: [String],
        _ rules: EndpointRotation.Rules,
        _ body: (RecordingSink, Watched<SourceReport?>) async throws -> Void
    ) async throws {
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: .init(redirectConfiguration: .disallow)
        )
        var answers = HTTPMirror.Limits()
        (answers.time, answers.bytes) = (.seconds(1), 1 << 20)
        let node = HTTPMirror(urls: urls, client: client, limits: answers, rules: rules, logger: Following.quiet)
        let sink = RecordingSink()
        let report = Watched<SourceReport?>(nil)
        var limits = MirrorSource.Limits()
        limits.poll = .milliseconds(20)
        limits.stale = .seconds(1_000_000_000)
        let follower = MirrorFollower(mirror: mirror, node: node, sink: sink, logger: Following.quiet)
        let source: @Sendable () -> any Source = { [limits] in
            MirrorSource(follower: follower, limits: limits, logger: Following.quiet)
        }
        let runner = Following.runner(mirror.source, FailoverSystemTests.pace, source) { new in
            report.change { $0 = new }
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

    private static func settled(_ sink: RecordingSink, _ peer: MirrorPeer, _ row: String) async throws {
        let (logs, messages) = try await peer.truth()
        try await sink.state.wait(for: "everything of the mirror: \(row)") { state in
            let told = MirrorReplay(state.events)
            return told.differences(from: logs).isEmpty && told.messages.mapValues(\.message) == messages
        }
    }

    @Test func mirrorsOfEachKind() async throws {
        try await MirrorPeer.with(seed: 71) { peer in
            try await peer.advance(100)
            try await peer.emit(10, 2)
            try await peer.say(5)
            try await peer.advance(200)
            try await GatePeer.with(before: peer.port) { gate in
                let tls = Row("TLS", "", .unreachable, url: "https://127.0.0.1:\(peer.port)/key")
                for row in Self.rows + [tls] {
                    try await gate.set(row.url == nil ? row.mode : "pass", row.members)
                    let rules = FailoverSystemTests.rules(.mirror, lag: 30_000_000_000)
                    let urls = [row.url ?? gate.url, peer.url]
                    try await Self.following(try peer.mirror(), urls, rules) { sink, report in
                        try await Self.settled(sink, peer, "\(row)")
                        try await report.wait(for: "the endpoints' report: \(row)") { report in
                            report?.endpoints.first?.failures[row.trouble.rawValue] ?? 0 > 0
                                && report?.endpoints.last?.isUsed == true && report?.state == .following
                        }
                        guard row.url == nil else { return }
                        try await gate.set("pass")
                        try await report.wait(for: "the first endpoint: \(row)") { report in
                            report?.endpoints.first?.isUsed == true && report?.trouble == ""
                        }
                        try await peer.emit(1, 1)
                        try await peer.say(1)
                        try await peer.advance(200)
                        try await Self.settled(sink, peer, "\(row)")
                        #expect(MirrorReplay(sink.state.value.events).undone == 0, "\(row)")
                    }
                }
            }
        }
    }

    /// Its newest block does not move, or the block that the network is known by is gone there.
    @Test(arguments: ["freeze", "prune"])
    func mirrorThatIsOfNoUseLater(_ mode: String) async throws {
        try await MirrorPeer.with(seed: 72) { peer in
            try await peer.advance(100)
            try await peer.emit(10, 2)
            try await peer.say(5)
            try await peer.advance(200)
            try await GatePeer.with(before: peer.port) { gate in
                var rules = FailoverSystemTests.rules(.mirror, lag: .max)
                if mode == "freeze" { rules.stall = .milliseconds(500) }
                rules.probation = .seconds(60) ... .seconds(60)
                let urls = [gate.url, peer.url]
                try await Self.following(try peer.mirror(), urls, rules) { sink, report in
                    try await Self.settled(sink, peer, mode)
                    // One rejected request, so that the network is verified again.
                    if mode == "prune" {
                        try await gate.set("status", #""status":401"#)
                        try await report.wait(for: "the second one") { $0?.endpoints.last?.isUsed == true }
                    }
                    try await gate.set(mode, #""before":"1700000000.000000000""#)
                    try await peer.emit(2, 2)
                    try await peer.say(1)
                    try await peer.advance(200)
                    try await Self.settled(sink, peer, mode)
                    try await report.wait(for: "the report") { $0?.endpoints.last?.isUsed == true }
                    #expect(MirrorReplay(sink.state.value.events).undone == 0)
                    if mode == "freeze" { #expect(report.value?.endpoints.first?.trouble == "stalled") }
                }
            }
        }
    }

    /// Both endpoints reject requests: the source reports why, never halts, and recovers by itself.
    @Test func allRefuse() async throws {
        try await MirrorPeer.with(seed: 73) { peer in
            try await peer.advance(100)
            try await peer.emit(10, 2)
            try await peer.advance(200)
            try await GatePeer.with(before: peer.port) { first in
                try await GatePeer.with(before: peer.port) { second in
                    let rules = FailoverSystemTests.rules(.mirror, lag: .max)
                    let urls = [first.url, second.url]
                    try await Self.following(try peer.mirror(), urls, rules) { sink, report in
                        try await first.set("status", #""status":403"#)
                        try await second.set("status", #""status":429"#)
                        try await report.wait(for: "both to be in trouble") {
                            $0?.endpoints.map(\.trouble) == ["refused", "throttled"]
                        }
                        try await peer.emit(2, 2)
                        try await peer.advance(200)
                        let asked = try await second.set("count")
                        try await eventually("it keeps sending requests") { try await second.set("count") > asked + 5 }
                        #expect(report.value?.state != .stopped)
                        try await second.set("pass")
                        try await Self.settled(sink, peer, "both")
                    }
                }
            }
        }
    }
}
