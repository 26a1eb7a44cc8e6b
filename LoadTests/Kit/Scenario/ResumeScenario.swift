// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import BroadtapeClient
import JSON
import NIOCore
import NIOHTTP1
import Terminal

/// Clients are away while events are published, and come back together: `resume`.
package struct ResumeScenario: Scenario {
    package struct Settings: Sendable {
        package var clients = 1_000
        /// Channels that the clients are spread over.
        package var channels = 1
        /// Events published on each channel meanwhile.
        package var missed = 1_000
        package var type = "chainEvent"
        /// Over how long they come back.
        package var over = Duration.zero
        /// Whether the operator restarts the hub meanwhile.
        package var waitsForRestart = false
        package var bytes = 200

        package init() {}
    }

    private static let poll = Duration.milliseconds(100)
    /// Events of one request while nobody looks.
    private static let batch = 100

    private let target: Target
    private let settings: Settings
    private let notify: @Sendable (String) -> Void

    /// Creates one.
    /// - Parameter notify: Called with what the operator should do.
    package init(_ target: Target, _ settings: Settings, notify: @escaping @Sendable (String) -> Void) {
        self.target = target
        self.settings = settings
        self.notify = notify
    }

    package func run(progress: @escaping @Sendable (Headway) -> Void) async throws -> Outcome {
        let settings = self.settings
        let population = Population.spread(
            settings.clients,
            over: settings.channels,
            type: settings.type,
            bytes: settings.bytes,
            self.target.access
        )
        let plan = population.plan
        let events = settings.missed * settings.channels
        let needs = Stage.Needs(subscribers: settings.clients, events: events)
        return try await Stage.run(self.target, plan: plan, needs, progress: progress) { stage in
            try await stage.gather(population.recruits)
            let setting = Pump.Setting(
                pace: .window(Self.batch * 4),
                course: Course(channels: Array(plan.channels.indices), order: .inTurn),
                batch: Self.batch,
                limit: events
            )
            return try await PumpLink.with(setting, over: .socket, connections: 1, stage: stage) { pump in
                try await self.run(stage, pump)
            }
        }
    }

    private func run(_ stage: Stage, _ pump: PumpLink) async throws -> Outcome {
        let measured = Box<(Measurement, NIODeadline)?>(nil)
        let failure = try await stage.watching {
            stage.enter("going away")
            for crew in stage.crews { crew.tell { crew in for member in crew.members { member.goAway() } } }
            while try await stage.status().connected > 0 { try await Task.sleep(for: Self.poll / 5) }
            stage.enter("publishing")
            try await pump.publishAll()
            if self.settings.waitsForRestart { try await self.waitForRestart(stage) }
            stage.enter("coming back")
            let start = NIODeadline.now()
            let measurement = try await Measurement.during(stage) {
                for crew in stage.crews { crew.tell { $0.recall(over: self.settings.over) } }
                try await stage.waitUntilCaughtUp()
            }
            measured.value = (measurement, start)
            try await stage.settle()
        }
        let findings = try await stage.findings()
        var outcome = Outcome("resume", stage: stage, findings: findings, failure: failure)
        outcome.settings = [
            ("clients", Text.grouped(self.settings.clients)), ("channels", "\(self.settings.channels)"),
            ("missed", Text.grouped(self.settings.missed)), ("type", self.settings.type),
            ("over", self.settings.over.text), ("data", "\(self.settings.bytes) B"),
            ("restart", self.settings.waitsForRestart ? "yes" : "no"),
        ]
        if let (measurement, start) = measured.value {
            let took = ((findings.lastCaughtUp ?? start) - start).seconds
            outcome.figures = self.figures(measurement, took: took)
            outcome.remarks = measurement.remarks(loops: self.target.loops)
        }
        outcome.latencies = [
            ("caughtUp", "caught up", Report.Latency(findings.catchUps.first ?? Crew.makeHistogram())),
            ("setUp", "set-up", Report.Latency(findings.setUp)),
        ]
        return outcome
    }

    private func figures(_ measurement: Measurement, took: Double) -> [Figure] {
        [
            Figure("allCaughtUpSeconds", "all caught up after", took, "s", digits: 2),
            Figure("storedMegabytes", "received", Double(measurement.bytes) / 1e6, "MB", digits: 1),
        ] + measurement.deliveryFigures.filter { $0.name != "eventsPerSecond" }
    }

    /// Waits until a node has been away and all of them are ready.
    private func waitForRestart(_ stage: Stage) async throws {
        stage.enter("waiting for the restart")
        self.notify("restart the hub now")
        while try await self.areReady(stage) { try await Task.sleep(for: Self.poll) }
        while try await !self.areReady(stage) { try await Task.sleep(for: Self.poll) }
    }

    private func areReady(_ stage: Stage) async throws -> Bool {
        for address in self.target.addresses {
            let request = HTTPClientRequest(url: address.url("/health/ready"))
            guard let response = try? await stage.client.execute(request, timeout: .seconds(2)),
                response.status.code == 200
            else {
                try Task.checkCancellation()
                return false
            }
        }
        return true
    }
}

extension Crew {
    /// Calls everybody back, at once or evenly over a time.
    fileprivate func recall(over time: Duration) {
        self.setTargets()
        self.setUp = Crew.makeHistogram()
        let start = NIODeadline.now()
        let count = self.members.count
        for (index, member) in self.members.enumerated() {
            let offset = time.seconds * Double(index) / Double(max(1, count))
            let due = start + .nanoseconds(Int64(clamping: offset * 1e9, to: 0...Int64.max))
            member.beginCatchingUp(since: due)
            if offset == 0 {
                member.comeBack(due: due)
            } else {
                self.loop.assumeIsolated().scheduleTask(deadline: due) { member.comeBack(due: due) }
            }
        }
    }
}
