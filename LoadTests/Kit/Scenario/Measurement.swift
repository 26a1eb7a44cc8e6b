// SPDX-License-Identifier: Apache-2.0

import Terminal

/// What happened while a scenario measured.
struct Measurement: Sendable {
    var reading = Meter.Reading()
    var deliveries = 0
    var bytes = 0
    var acknowledged = 0

    /// Measures what happens during a body.
    static func during(_ stage: Stage, _ body: () async throws -> Void) async throws -> Measurement {
        let before = try await stage.status()
        let acknowledged = stage.scoreboard.now.acknowledged
        let meter = try Meter(stage.target.processes)
        try await body()
        var measurement = Measurement(reading: try meter.read())
        let after = try await stage.status()
        measurement.deliveries = after.deliveries - before.deliveries
        measurement.bytes = after.bytes - before.bytes
        measurement.acknowledged = stage.scoreboard.now.acknowledged - acknowledged
        return measurement
    }

    /// Deliveries, and what they cost both sides.
    var deliveryFigures: [Figure] {
        let seconds = max(self.reading.seconds, 1e-9)
        var figures = [
            Figure("measuredSeconds", "measured", self.reading.seconds, "s", digits: 2),
            Figure("eventsPerSecond", "events", Double(self.acknowledged) / seconds, "/s"),
            Figure("measuredDeliveries", "deliveries", self.deliveries),
            Figure("deliveriesPerSecond", "deliveries", Double(self.deliveries) / seconds, "/s"),
        ]
        figures += self.hubFigures
        if let hub = self.reading.hubSeconds, hub > 0, self.deliveries > 0 {
            figures.append(
                Figure("deliveriesPerHubSecond", "per hub CPU second", Double(self.deliveries) / hub, "deliveries")
            )
        }
        figures += self.generatorFigures
        if self.reading.generatorSeconds > 0, self.deliveries > 0 {
            let rate = Double(self.deliveries) / self.reading.generatorSeconds
            figures.append(
                Figure("deliveriesPerGeneratorSecond", "per generator CPU second", rate, "deliveries")
            )
        }
        return figures
    }

    /// What the hub used.
    var hubFigures: [Figure] {
        guard let hub = self.reading.hubSeconds else { return [] }
        var figures = [
            Figure("hubSeconds", "hub CPU", hub, "s", digits: 2),
            Figure("hubCores", "hub cores busy", hub / max(self.reading.seconds, 1e-9), digits: 2),
        ]
        if let bytes = self.reading.hubBytesAfter {
            figures.append(Figure("hubMegabytes", "hub memory (RSS)", Double(bytes) / 1e6, "MB", digits: 1))
        }
        return figures
    }

    /// What this process used.
    var generatorFigures: [Figure] {
        [
            Figure("generatorSeconds", "generator CPU", self.reading.generatorSeconds, "s", digits: 2),
            Figure(
                "generatorCores",
                "generator cores busy",
                self.reading.generatorSeconds / max(self.reading.seconds, 1e-9),
                digits: 2
            ),
        ]
    }

    /// Share of its loops' time from which on the generator rather than the hub may be what is measured.
    private static let saturation = 0.9

    /// Says so when the generator was busy all the time.
    func remarks(loops: Int) -> [String] {
        let share = self.reading.generatorSeconds / max(self.reading.seconds, 1e-9) / Double(loops)
        guard share > Self.saturation else { return [] }
        return ["the generator was busy \(Text.decimal(share * 100, digits: 0)) % of the time: it may be the limit"]
    }
}
