// SPDX-License-Identifier: Apache-2.0

import Client
import Histogram
import NIOCore

/// What a run consists of while it goes on, and what can be told of it.
struct Stage: Sendable {
    private static let progressPeriod = Duration.milliseconds(250)

    let settings: Replay.Settings
    let plan: Plan
    let crews: [CrewLink]
    let scoreboard = Scoreboard()
    private let start = NIODeadline.now()

    init(settings: Replay.Settings, plan: Plan, crews: [CrewLink]) {
        self.settings = settings
        self.plan = plan
        self.crews = crews
    }

    /// The sum of what the crews tell.
    func status() async throws -> Crew.Status {
        var sum = Crew.Status()
        for crew in self.crews {
            let status = try await crew.ask { $0.status }
            sum.ready += status.ready
            sum.following += status.following
            sum.deliveries += status.deliveries
            sum.conflated += status.conflated
            sum.connectionsLost += status.connectionsLost
        }
        return sum
    }

    /// Tells how things go until cancelled.
    func reportProgress(_ progress: @Sendable (Headway) -> Void) async throws {
        while true {
            try await Task.sleep(for: Self.progressPeriod)
            let status = try await self.status()
            let score = self.scoreboard.now
            progress(
                Headway(
                    seconds: Self.seconds(.now() - self.start),
                    subscribers: self.settings.subscribers,
                    ready: status.ready,
                    following: status.following,
                    events: self.plan.trace.entries.count,
                    sent: score.sent,
                    acknowledged: score.acknowledged,
                    deliveries: status.deliveries
                )
            )
        }
    }

    /// Throws what must not have happened as soon as it has, else goes on until cancelled.
    func throwFailure() async throws {
        while true {
            try await Task.sleep(for: Self.progressPeriod)
            for crew in self.crews {
                if let failure = try await crew.ask({ $0.failure }) { throw failure }
            }
        }
    }

    /// Ends the subscribers and judges.
    /// - Parameter failure: What publishing ended with.
    func report(failure: ReplayError?) async throws -> Report {
        var verdict = Ledger.Verdict()
        var latency = Crew.makeHistogram()
        var failures: [ReplayError] = failure.map { [$0] } ?? []
        var connectionsLost = 0
        var lastDelivery: NIODeadline?
        var isFirst = true
        for crew in self.crews {
            let (own, histogram, lost, trouble, last) = try await crew.ask { crew in
                defer { crew.leave() }
                return (crew.ledger.verdict(), crew.latency, crew.connectionsLost, crew.failure, crew.lastDelivery)
            }
            lastDelivery = [lastDelivery, last].compactMap(\.self).max()
            if isFirst { verdict = own } else { verdict.add(own) }
            isFirst = false
            latency.add(histogram)
            connectionsLost += lost
            if let trouble, !failures.contains(trouble) { failures.append(trouble) }
        }
        let score = self.scoreboard.now
        let end = lastDelivery ?? score.lastAcknowledged ?? .now()
        let first = score.firstSent ?? end
        return Report(
            run: self.plan.run,
            address: self.settings.address.description,
            speed: self.settings.speed.description,
            subscribers: self.settings.subscribers,
            events: self.plan.trace.entries.count,
            channels: self.plan.trace.channels.count,
            skippedLines: self.plan.trace.skipped,
            acknowledged: score.acknowledged,
            acknowledgedAsDuplicates: score.duplicates,
            requests: score.requests,
            connectionsLost: connectionsLost,
            verdict: verdict,
            publishingSeconds: Self.seconds((score.lastAcknowledged ?? first) - first),
            seconds: Self.seconds(end - first),
            receipt: Report.Latency(latency),
            acknowledgement: Report.Latency(score.latency),
            failures: failures.map(\.description)
        )
    }

    private static func seconds(_ time: TimeAmount) -> Double {
        Double(time.nanoseconds) / 1_000_000_000
    }
}
