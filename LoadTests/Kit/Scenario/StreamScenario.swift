// SPDX-License-Identifier: Apache-2.0

import Terminal

/// Subscribers follow channels while events are published at a pace: `fanout`, `private` and `churn`.
package struct StreamScenario: Scenario {
    private let name: String
    private let target: Target
    private let population: Population
    private let publishing: Publishing
    private let timing: Timing
    private let order: Course.Order
    /// Subscribers of each channel, or 0 where a pace does not wait for them.
    private let followers: Int
    private let churn: Churn?
    private let settings: [(name: String, value: String)]

    /// Everybody follows the same channels.
    package static func fanout(
        _ target: Target,
        subscribers: Int,
        channels: Int,
        type: String,
        _ publishing: Publishing,
        _ timing: Timing
    ) -> StreamScenario {
        StreamScenario(
            name: "fanout",
            target: target,
            population: .everyone(
                subscribers,
                following: channels,
                type: type,
                bytes: publishing.bytes,
                target.access
            ),
            publishing: publishing,
            timing: timing,
            order: .inTurn,
            followers: subscribers,
            churn: nil,
            settings: [("subscribers", Text.grouped(subscribers)), ("channels", "\(channels)"), ("type", type)]
        )
    }

    /// Every channel has one subscriber, its owner; each event is for one of them, at random.
    package static func privately(
        _ target: Target,
        channels: Int,
        type: String,
        seed: UInt64,
        _ publishing: Publishing,
        _ timing: Timing
    ) -> StreamScenario {
        StreamScenario(
            name: "private",
            target: target,
            population: .owners(channels, type: type, bytes: publishing.bytes, target.access),
            publishing: publishing,
            timing: timing,
            order: .random(seed: seed),
            followers: 1,
            churn: nil,
            settings: [("channels", Text.grouped(channels)), ("type", type), ("seed", "\(seed)")]
        )
    }

    /// Subscribers come and go while events flow.
    package static func churning(
        _ target: Target,
        subscribers: Int,
        channels: Int,
        type: String,
        _ churn: Churn,
        _ publishing: Publishing,
        _ timing: Timing
    ) -> StreamScenario {
        StreamScenario(
            name: "churn",
            target: target,
            population: .everyone(
                subscribers,
                following: channels,
                type: type,
                bytes: publishing.bytes,
                target.access
            ),
            publishing: publishing,
            timing: timing,
            order: .inTurn,
            followers: 0,
            churn: churn,
            settings: [
                ("subscribers", Text.grouped(subscribers)), ("channels", "\(channels)"), ("type", type),
                ("churn", "\(Text.decimal(churn.rate, digits: 1))/s"),
            ]
        )
    }

    package func run(progress: @escaping @Sendable (Headway) -> Void) async throws -> Outcome {
        let plan = self.population.plan
        let needs = Stage.Needs(subscribers: self.population.recruits.count)
        return try await Stage.run(self.target, plan: plan, needs, progress: progress) { stage in
            try await stage.gather(self.population.recruits)
            let setting = Pump.Setting(
                pace: self.publishing.pace,
                course: Course(channels: Array(plan.channels.indices), order: self.order),
                batch: self.publishing.batch,
                followers: self.followers
            )
            return try await PumpLink.with(
                setting,
                over: self.publishing.way,
                connections: self.publishing.publishers,
                stage: stage
            ) { pump in
                try await self.run(stage, pump)
            }
        }
    }

    private func run(_ stage: Stage, _ pump: PumpLink) async throws -> Outcome {
        let measured = Box(Measurement())
        let churned = Box(0)
        let failure = try await stage.watching {
            if let churn = self.churn { try await churn.begin(stage) }
            try await pump.begin()
            stage.enter("warming up")
            try await Task.sleep(for: self.timing.warmUp)
            stage.enter("measuring")
            let measurement = try await Measurement.during(stage) {
                try await pump.measure(true)
                try await Task.sleep(for: self.timing.duration)
                try await pump.measure(false)
            }
            measured.value = measurement
            stage.enter("finishing")
            if let churn = self.churn { churned.value = try await churn.end(stage) }
            try await pump.stop()
            try await stage.settle()
        }
        let lateness = try await pump.lateness()
        let measurement = measured.value
        let findings = try await stage.findings()
        var outcome = Outcome(self.name, stage: stage, findings: findings, failure: failure)
        outcome.settings = self.settings + self.publishing.settings + [("measured", self.timing.duration.text)]
        outcome.figures = measurement.deliveryFigures
        if self.churn != nil { outcome.figures.append(Figure("churned", "comings and goings", churned.value)) }
        outcome.latencies = [
            ("receipt", "receipt", Report.Latency(findings.latencies.first ?? Crew.makeHistogram())),
            ("acknowledgement", "acknowledged", Report.Latency(stage.scoreboard.now.latency)),
            ("generatorLateness", "generator's lateness", Report.Latency(lateness)),
        ]
        outcome.remarks = measurement.remarks(loops: self.target.loops)
        return outcome
    }
}
