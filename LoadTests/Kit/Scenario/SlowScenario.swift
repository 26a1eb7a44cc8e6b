// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import NIOCore
import Terminal

/// Some readers stop reading for a time, while others continue: `slow`.
package struct SlowScenario: Scenario {
    package struct Settings: Sendable {
        package var fast = 100
        package var slow = 10
        /// Events per second; half on a channel of each delivery.
        package var rate = 1_000.0
        /// How long the slow ones do not read.
        package var pause = Duration.seconds(10)
        package var bytes = 200
        package var way = Way.socket

        package init() {}
    }

    private let target: Target
    private let settings: Settings
    private let timing: Timing

    /// Creates one; fast readers are measured for the timing's duration before the pause, and after it.
    package init(_ target: Target, _ settings: Settings, _ timing: Timing) {
        self.target = target
        self.settings = settings
        self.timing = timing
    }

    package func run(progress: @escaping @Sendable (Headway) -> Void) async throws -> Outcome {
        let settings = self.settings
        let population = Population.readers(
            fast: settings.fast,
            slow: settings.slow,
            bytes: settings.bytes,
            self.target.access
        )
        let plan = population.plan
        let needs = Stage.Needs(subscribers: population.recruits.count, groups: 3)
        return try await Stage.run(self.target, plan: plan, needs, progress: progress) { stage in
            try await stage.gather(population.recruits)
            let setting = Pump.Setting(
                pace: .rate(settings.rate),
                course: Course(channels: [0, 1], order: .inTurn),
                batch: 100
            )
            return try await PumpLink.with(setting, over: settings.way, connections: 1, stage: stage) { pump in
                try await self.run(stage, pump)
            }
        }
    }

    private func run(_ stage: Stage, _ pump: PumpLink) async throws -> Outcome {
        let phases = Box<[Measurement]>([])
        let failure = try await stage.watching {
            try await pump.begin()
            stage.enter("warming up")
            try await Task.sleep(for: self.timing.warmUp)
            try await pump.measure(true)
            stage.enter("all read")
            phases.value += [try await Measurement.during(stage) { try await Task.sleep(for: self.timing.duration) }]
            stage.enter("the slow ones do not read")
            for crew in stage.crews { crew.tell { $0.pauseSlow() } }
            phases.value += [try await Measurement.during(stage) { try await Task.sleep(for: self.settings.pause) }]
            stage.enter("the slow ones read on")
            for crew in stage.crews { crew.tell { $0.resumeSlow() } }
            phases.value += [
                try await Measurement.during(stage) {
                    try await Task.sleep(for: self.timing.duration)
                    try await stage.waitUntilCaughtUp()
                }
            ]
            try await pump.measure(false)
            try await pump.stop()
            try await stage.settle()
        }
        let lateness = try await pump.lateness()
        return self.outcome(stage, try await stage.findings(), phases.value, Report.Latency(lateness), failure)
    }

    private func outcome(
        _ stage: Stage,
        _ findings: Findings,
        _ phases: [Measurement],
        _ lateness: Report.Latency,
        _ failure: RunError?
    ) -> Outcome {
        var outcome = Outcome("slow", stage: stage, findings: findings, failure: failure)
        outcome.settings = [
            ("fast", "\(self.settings.fast)"), ("slow", "\(self.settings.slow)"),
            ("rate", "\(Text.decimal(self.settings.rate, digits: 0)) events/s"), ("pause", self.settings.pause.text),
            ("data", "\(self.settings.bytes) B"),
        ]
        for (index, (name, label)) in [("before", "before"), ("paused", "pause"), ("after", "after")].enumerated() {
            guard phases.indices.contains(index), let bytes = phases[index].reading.hubBytesAfter else { continue }
            let megabytes = Double(bytes) / 1e6
            outcome.figures.append(
                Figure("hubMegabytes_\(name)", "hub memory, \(label)", megabytes, "MB", digits: 1)
            )
        }
        if let measurement = phases.last {
            outcome.figures += measurement.generatorFigures
            outcome.remarks = measurement.remarks(loops: self.target.loops)
        }
        func series(_ phase: Int, _ group: Int) -> Report.Latency {
            let place = phase * 3 + group
            return findings.latencies.indices.contains(place) ? Report.Latency(findings.latencies[place]) : .init()
        }
        outcome.latencies = [
            ("fastBefore", "fast, before", series(0, 0)),
            ("fastPaused", "fast, in the pause", series(1, 0)),
            ("fastAfter", "fast, after", series(2, 0)),
            ("slowEvery", "every: caught up", Report.Latency(findings.catchUps[1])),
            ("slowLatest", "latest: newest value", Report.Latency(findings.catchUps[2])),
            ("generatorLateness", "generator's lateness", lateness),
        ]
        return outcome
    }
}

extension Crew {
    fileprivate func pauseSlow() {
        self.beginPhase()
        for member in self.members where member.group > 0 { member.connection?.pause() }
    }

    fileprivate func resumeSlow() {
        self.beginPhase()
        self.setTargets()
        let now = NIODeadline.now()
        for member in self.members where member.group > 0 {
            member.beginCatchingUp(since: now)
            member.connection?.resume()
        }
    }
}
