// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import JSON
import NIOCore

/// One run: subscribers, publishers and the judgement.
package struct Replay: Sendable {
    /// How a trace is to be replayed.
    package struct Settings: Sendable {
        package var target: Target
        package var subscribers = 100
        package var speed = Speed.max
        /// Publish requests in flight.
        package var inFlight = 4
        /// Events per request at full speed.
        package var batch = 64

        /// Creates settings with the defaults.
        package init(target: Target) {
            self.target = target
        }
    }

    /// From when the subscribers are ready to the first event at recorded times.
    private static let lead = TimeAmount.milliseconds(100)

    private let settings: Settings
    private let trace: Trace
    private let plan: Plan

    /// Prepares a run; publishes nothing.
    package init(_ trace: Trace, _ settings: Settings) {
        self.settings = settings
        self.trace = trace
        self.plan = Plan(trace: trace)
    }

    /// Does it.
    ///
    /// - Parameter progress: Called several times a second with the progress.
    /// - Throws: ``RunError`` when the run cannot begin. What goes wrong later is in the report.
    package func run(progress: @escaping @Sendable (Headway) -> Void) async throws -> Report {
        let needs = Stage.Needs(
            subscribers: self.settings.subscribers,
            events: self.trace.entries.count,
            hasLoopForRequests: true
        )
        return try await Stage.run(self.settings.target, plan: self.plan, needs, progress: progress) { stage in
            try await stage.gather(self.subscribers())
            let failure = try await stage.watching {
                try await self.publish(self.lanes(stage))
                try await stage.settle()
            }
            return self.report(try await stage.findings(), stage.scoreboard.now, failure: failure)
        }
    }

    // MARK: - Subscribers

    /// Who the subscribers are: users of the trace in turn; with fewer subscribers than users, several users each.
    private func subscribers() -> [Crew.Recruit] {
        let channels = self.trace.channels
        let users = self.trace.users
        var channelsOfUser: [String: [Int]] = [:]
        for (place, channel) in channels.enumerated() where channel.isPrivate {
            channelsOfUser[channel.key, default: []].append(place)
        }
        let types = Set(
            channels.filter(\.isPrivate).map { String($0.name.split(atFirst: ":")?.before ?? $0.name[...]) }
        ).sorted()
        let count = self.settings.subscribers
        return (0..<count).map { index in
            var own: [String] = []
            if !users.isEmpty {
                own = index < users.count ? stride(from: index, to: users.count, by: count).map { users[$0] } : []
                if own.isEmpty { own = [users[index % users.count]] }
            }
            return Crew.Recruit(
                ownChannels: own.flatMap { channelsOfUser[$0] ?? [] },
                token: self.settings.target.access.subscribing(users: own, types: types)
            )
        }
    }

    // MARK: - Publishing

    private func lanes(_ stage: Stage) -> [Lane] {
        let target = self.settings.target
        var provider: TokenProvider?
        if let token = target.access.publishing { provider = { token } }
        let publishers = target.addresses.map { address in
            Publisher(
                to: address,
                token: provider,
                retries: Retries(
                    patience: target.patience,
                    backoff: Backoff(base: .milliseconds(50), cap: .seconds(1)),
                    timeout: .seconds(10)
                ),
                client: stage.client
            )
        }
        return Lane.distribute(self.trace, over: self.settings.inFlight).enumerated().map { index, events in
            Lane(
                events: events,
                plan: self.plan,
                publisher: publishers[index % publishers.count],
                crews: stage.crews,
                scoreboard: stage.scoreboard,
                batch: self.settings.batch
            )
        }
    }

    private func publish(_ lanes: [Lane]) async throws {
        var due: [UInt64] = []
        if case .times(let factor) = self.settings.speed {
            due = self.dueTimes(factor: factor)
            self.plan.due.set(due.enumerated().map { (event: $0, at: $1) })
        }
        try await withThrowingTaskGroup(of: Void.self) { [due, speed = self.settings.speed] group in
            for lane in lanes {
                group.addTask {
                    switch speed {
                    case .max: try await lane.runAtFullSpeed()
                    case .times: try await lane.run(due: due)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func dueTimes(factor: Double) -> [UInt64] {
        let start = (NIODeadline.now() + Self.lead).uptimeNanoseconds
        return self.trace.entries.map {
            start + UInt64(clamping: Double($0.offset) / factor, to: 0...UInt64(Int.maxSafe))
        }
    }

    // MARK: - Judgement

    private func report(_ findings: Findings, _ score: Scoreboard.Score, failure: RunError?) -> Report {
        let end = findings.lastDelivery ?? score.lastAcknowledged ?? .now()
        let first = score.firstSent ?? end
        let failures = findings.failures + (failure.map { [$0] } ?? []).filter { !findings.failures.contains($0) }
        return Report(
            run: self.plan.run,
            address: self.settings.target.text,
            speed: self.settings.speed.description,
            subscribers: self.settings.subscribers,
            events: self.trace.entries.count,
            channels: self.trace.channels.count,
            skippedLines: self.trace.skipped,
            acknowledged: score.acknowledged,
            acknowledgedAsDuplicates: score.duplicates,
            requests: score.requests,
            connectionsLost: findings.connectionsLost,
            verdict: findings.verdict,
            publishingSeconds: ((score.lastAcknowledged ?? first) - first).seconds,
            seconds: (end - first).seconds,
            receipt: Report.Latency(findings.latencies.first ?? Crew.makeHistogram()),
            acknowledgement: Report.Latency(score.latency),
            failures: failures.map(\.description)
        )
    }
}
