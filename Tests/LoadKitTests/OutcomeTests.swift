// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@testable import LoadKit

struct OutcomeTests {
    @Test(
        arguments: [(0.0, 0, "", "0"), (1_234.4, 0, "MB", "1,234 MB"), (.nan, 0, "", "0")]
            as [(Double, Int, String, String)]
    )
    func figuresAreTold(value: Double, digits: Int, unit: String, text: String) {
        #expect(Figure("x", "x", value, unit, digits: digits).text == text)
    }

    @Test func aMeasurementTellsWhatADeliveryCosts() throws {
        var measurement = Measurement()
        measurement.deliveries = 1_000_000
        measurement.acknowledged = 1_000
        measurement.reading = Meter.Reading(
            seconds: 4,
            hubSeconds: 2,
            hubBytesBefore: 1_000,
            hubBytesAfter: 50_000_000,
            generatorSeconds: 3.9
        )
        let figures = Dictionary(uniqueKeysWithValues: measurement.deliveryFigures.map { ($0.name, $0.value) })
        #expect(figures["deliveriesPerSecond"] == 250_000)
        #expect(figures["deliveriesPerHubSecond"] == 500_000)
        #expect(figures["eventsPerSecond"] == 250)
        #expect(figures["hubMegabytes"] == 50)
        #expect(figures["hubCores"] == 0.5)
        #expect(measurement.remarks(loops: 1).count == 1)
        #expect(measurement.remarks(loops: 2).isEmpty)
    }

    @Test func withoutProcessesNothingIsSaidOfTheHub() {
        var measurement = Measurement()
        measurement.deliveries = 10
        measurement.reading = Meter.Reading(seconds: 1, generatorSeconds: 0.1)
        #expect(!measurement.deliveryFigures.contains { $0.name.hasPrefix("hub") })
        #expect(!measurement.deliveryFigures.contains { $0.name == "deliveriesPerHubSecond" })
    }

    @Test func rowsStandUnderEachOther() {
        var table = Table(labelWidth: 10)
        table.row("a", "1")
        var latency = Report.Latency()
        latency.count = 1
        latency.p50 = 1.5
        table.latencies([("b", latency), ("nothing", Report.Latency())])
        let lines = table.text.split(separator: "\n")
        #expect(lines.first == "a         1")
        #expect(lines.count == 3)
        #expect(lines.last?.contains("1.50") == true)
    }
}
