// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore

/// What the hub and the generator used between two moments.
struct Meter: Sendable {
    /// The use between two readings.
    struct Reading: Sendable, Equatable {
        var seconds = 0.0
        /// Of the hub's processes together; nil where none was named.
        var hubSeconds: Double?
        var hubBytesBefore: Int?
        var hubBytesAfter: Int?
        var generatorSeconds = 0.0
    }

    private let processes: [ProcessReference]
    private let start = NIODeadline.now()
    private let hub: ProcessUsage?
    private let generator: ProcessUsage?

    /// Begins to measure.
    init(_ processes: [ProcessReference]) throws(RunError) {
        self.processes = processes
        self.hub = try Self.sum(processes)
        self.generator = ProcessUsage(of: Int(clamping: ProcessInfo.processInfo.processIdentifier))
    }

    /// What was used since the beginning.
    func read() throws(RunError) -> Reading {
        let own = ProcessUsage(of: Int(clamping: ProcessInfo.processInfo.processIdentifier))
        var reading = Reading(seconds: (.now() - self.start).seconds)
        reading.generatorSeconds = (own?.cpuSeconds ?? 0) - (self.generator?.cpuSeconds ?? 0)
        if let before = self.hub, let after = try Self.sum(self.processes) {
            reading.hubSeconds = after.cpuSeconds - before.cpuSeconds
            reading.hubBytesBefore = before.residentBytes
            reading.hubBytesAfter = after.residentBytes
        }
        return reading
    }

    private static func sum(_ processes: [ProcessReference]) throws(RunError) -> ProcessUsage? {
        var sum: ProcessUsage?
        for process in processes {
            guard let number = process.identifier, let usage = ProcessUsage(of: number) else {
                throw .unexpected("--pid \(process): there is no such process, or no /proc to read of it")
            }
            sum = ProcessUsage(
                cpuSeconds: (sum?.cpuSeconds ?? 0) + usage.cpuSeconds,
                residentBytes: (sum?.residentBytes ?? 0) + usage.residentBytes
            )
        }
        return sum
    }
}
