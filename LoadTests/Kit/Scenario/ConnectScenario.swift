// SPDX-License-Identifier: Apache-2.0

import Terminal

/// Connections are made, authenticated and subscribed, then held: `connect` and `idle`.
package struct ConnectScenario: Scenario {
    private let target: Target
    private let connections: Int
    private let subscriptions: Int
    /// Connections begun per second; nil is as fast as they are let in.
    private let rate: Double?
    /// How long they are held; nil does not measure that.
    private let hold: Duration?

    /// Events that are published at the end, to see that the connections are worth something.
    private static let probes = 200

    /// Creates one.
    package init(_ target: Target, connections: Int, subscriptions: Int, rate: Double?, hold: Duration?) {
        self.target = target
        self.connections = connections
        self.subscriptions = subscriptions
        self.rate = rate
        self.hold = hold
    }

    package func run(progress: @escaping @Sendable (Headway) -> Void) async throws -> Outcome {
        let population = Population.clients(
            self.connections,
            subscriptions: self.subscriptions,
            bytes: 200,
            self.target.access
        )
        let plan = population.plan
        let needs = Stage.Needs(subscribers: self.connections)
        return try await Stage.run(self.target, plan: plan, needs, progress: progress) { stage in
            let connecting = try await Measurement.during(stage) {
                try await stage.gather(population.recruits, rate: self.rate)
            }
            let setting = Pump.Setting(
                pace: .window(16),
                course: Course(channels: Array(plan.channels.indices), order: .random(seed: 1)),
                limit: min(Self.probes, plan.channels.count)
            )
            return try await PumpLink.with(setting, over: .socket, connections: 1, stage: stage) { pump in
                try await self.run(stage, pump, connecting)
            }
        }
    }

    private func run(_ stage: Stage, _ pump: PumpLink, _ connecting: Measurement) async throws -> Outcome {
        let holding = Box<Measurement?>(nil)
        let failure = try await stage.watching {
            if let hold = self.hold {
                stage.enter("holding")
                holding.value = try await Measurement.during(stage) { try await Task.sleep(for: hold) }
            }
            stage.enter("checking")
            try await pump.publishAll()
            try await stage.settle()
        }
        let findings = try await stage.findings()
        var outcome = Outcome(
            self.hold == nil ? "connect" : "idle",
            stage: stage,
            findings: findings,
            failure: failure
        )
        outcome.settings = [
            ("connections", Text.grouped(self.connections)), ("subscriptions", "\(self.subscriptions)"),
            ("rate", self.rate.map { "\(Text.decimal($0, digits: 1))/s" } ?? "max"),
        ]
        outcome.figures = self.figures(connecting, holding.value)
        outcome.latencies = [("setUp", "set-up", Report.Latency(findings.setUp))]
        outcome.remarks = connecting.remarks(loops: self.target.loops)
        if self.rate == nil {
            outcome.remarks.append("\(self.target.dialLimit * self.target.loops) connections are made at a time")
        }
        return outcome
    }

    private func figures(_ connecting: Measurement, _ holding: Measurement?) -> [Figure] {
        let count = Double(self.connections)
        let reading = connecting.reading
        var figures = [
            Figure("connectSeconds", "connecting", reading.seconds, "s", digits: 2),
            Figure("connectionsPerSecond", "connections", count / max(reading.seconds, 1e-9), "/s"),
        ]
        if let hub = reading.hubSeconds {
            figures.append(Figure("hubSeconds", "hub CPU", hub, "s", digits: 2))
            figures.append(
                Figure("hubMicrosecondsPerConnection", "hub CPU per connection", hub / count * 1e6, "µs", digits: 1)
            )
        }
        figures += connecting.generatorFigures
        if let before = reading.hubBytesBefore, let after = holding?.reading.hubBytesAfter ?? reading.hubBytesAfter {
            let each = Double(after - before) / count / 1e3
            figures += [
                Figure("hubMegabytesBefore", "hub memory before", Double(before) / 1e6, "MB", digits: 1),
                Figure("hubMegabytes", "hub memory (RSS)", Double(after) / 1e6, "MB", digits: 1),
                Figure("hubKilobytesPerConnection", "memory per connection", each, "kB", digits: 2),
            ]
        }
        if let holding {
            figures.append(Figure("heldSeconds", "held", holding.reading.seconds, "s", digits: 1))
            if let hub = holding.reading.hubSeconds {
                let share = hub / max(holding.reading.seconds, 1e-9) * 100
                figures.append(Figure("idleHubPercent", "hub CPU while idle", share, "% of a core", digits: 2))
            }
        }
        return figures
    }
}
