// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LoadKit

/// How and how fast a scenario publishes.
struct PublishingOptions: ParsableArguments {
    @Option(help: "Events under way until everybody concerned has received them.")
    var inFlight: Int?

    @Option(help: "Events published at once, and again when everybody has received them all.")
    var burst: Int?

    @Option(help: "Events per second, on a schedule that waits for nobody.")
    var rate: Double?

    @Option(help: "Most events of one publish request; by default all of a burst, otherwise 1.")
    var batch: Int?

    @Option(help: "socket publishes over WebSockets, post by POST /events.")
    var publish = Way.socket

    @Option(help: "Sockets to publish over.")
    var publishers = 1

    @Option(help: "Size of each event's data, in bytes.")
    var bytes = 200

    func validate() throws {
        guard [self.inFlight != nil, self.burst != nil, self.rate != nil].count(where: \.self) <= 1 else {
            throw ValidationError("Give one of --in-flight, --burst and --rate.")
        }
        try TargetOptions.check([
            ("in-flight", self.inFlight ?? 1, 100_000), ("burst", self.burst ?? 1, 10_000),
            ("batch", self.batch ?? 1, 10_000), ("publishers", self.publishers, 1_000), ("bytes", self.bytes, 60_000),
        ])
        if let rate, !(0.1...10_000_000).contains(rate) {
            throw ValidationError("--rate is from 0.1 to 10000000 events per second.")
        }
    }

    func publishing(_ standard: Pace) -> Publishing {
        var publishing = Publishing()
        publishing.pace =
            self.inFlight.map { .window($0) } ?? self.burst.map { .burst($0) } ?? self.rate.map { .rate($0) }
            ?? standard
        publishing.batch = self.batch ?? self.burst ?? 1
        if self.batch == nil, case .rate = publishing.pace { publishing.batch = 100 }
        publishing.way = self.publish
        publishing.publishers = self.publishers
        publishing.bytes = self.bytes
        return publishing
    }
}

extension Way: ExpressibleByArgument {}

/// How long a scenario measures.
struct TimingOptions: ParsableArguments {
    @Option(name: .customLong("for"), help: "How long to measure.")
    var duration = Time(.seconds(10))

    @Option(help: "How long to run before that.")
    var warmUp = Time(.seconds(2))

    var timing: Timing {
        var timing = Timing()
        timing.duration = self.duration.duration
        timing.warmUp = self.warmUp.duration
        return timing
    }
}
