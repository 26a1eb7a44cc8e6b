// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Foundation
import JSON
import NIOCore
import Synchronization
import Terminal

/// Follows channels of a running hub and writes what comes as a trace: `record`.
///
/// Written on the loop that reads the socket, so that a slow disk slows down reading and nothing gathers.
package struct RecordScenario: Scenario {
    package struct Settings: Sendable {
        /// Full names; empty lists the channels that may be read.
        package var channels: [String] = []
        /// Beginnings of the names that are listed.
        package var prefixes: [String] = []
        /// How long to record; nil is until cancelled.
        package var duration: Duration?
        package var path: String

        /// Creates settings for a file.
        package init(path: String) {
            self.path = path
        }
    }

    /// A hub lets one session follow 5,000 channels.
    private static let channelsPerConnection = 4_000
    private static let channelLimit = 40_000
    private static let poll = Duration.milliseconds(200)

    private let target: Target
    private let settings: Settings
    private let stop: @Sendable () async -> Void

    /// Creates one.
    /// - Parameter stop: Returns when the recording is to end.
    package init(_ target: Target, _ settings: Settings, stop: @escaping @Sendable () async -> Void) {
        var target = target
        // One loop writes the file.
        target.loops = 1
        self.target = target
        self.settings = settings
        self.stop = stop
    }

    package func run(progress: @escaping @Sendable (Headway) -> Void) async throws -> Outcome {
        let names = try await self.names()
        guard !names.isEmpty else { throw RunError.unexpected("there is no channel to record that may be read") }
        let token = self.target.access.reading
        var population = Population()
        for start in stride(from: 0, to: names.count, by: Self.channelsPerConnection) {
            let end = min(start + Self.channelsPerConnection, names.count)
            population.recruits.append(Crew.Recruit(ownChannels: Array(start..<end), token: token))
        }
        population.channels = names.map { name in
            Trace.Channel(
                name: name,
                key: String(name.split(atFirst: ":")?.behind ?? ""),
                isPrivate: true,
                mayConflate: EventContent.latestTypes.contains(String(name.split(atFirst: ":")?.before ?? name[...])),
                slots: 1,
                events: 0
            )
        }
        let file = try TraceFile(path: self.settings.path)
        var needs = Stage.Needs(subscribers: population.recruits.count)
        needs.tap = { file.take($0) }
        let recruits = population.recruits
        return try await Stage.run(self.target, plan: population.plan, needs, progress: progress) { stage in
            try await stage.gather(recruits)
            stage.enter("recording")
            let failure = try await stage.watching { try await self.record(stage, file) }
            var findings = try await stage.findings()
            findings.failures += file.close()
            if findings.holes > 0 {
                findings.failures.append(.unexpected("\(findings.holes) events are missing in the trace"))
            }
            return self.outcome(stage, findings, file, channels: names.count, failure)
        }
    }

    private func names() async throws -> [String] {
        guard self.settings.channels.isEmpty else { return Array(Set(self.settings.channels)).sorted() }
        let target = self.target
        let prefixes = self.settings.prefixes
        let token = target.access.reading
        let plan = Plan(channels: [], contents: [])
        return try await Stage.run(target, plan: plan, .init(subscribers: 0), progress: { _ in }) { stage in
            var failure: (any Error)?
            for address in target.addresses {
                do {
                    return try await ChannelListing(address: address, token: token, client: stage.client)
                        .names(prefixes: prefixes, limit: Self.channelLimit)
                } catch {
                    failure = failure ?? error
                }
            }
            throw failure ?? RunError.unexpected("there is no node to ask")
        }
    }

    private func record(_ stage: Stage, _ file: TraceFile) async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.stop() }
            if let duration = self.settings.duration {
                group.addTask { try? await Task.sleep(for: duration) }
            }
            group.addTask {
                while !Task.isCancelled, !file.hasFailed {
                    try? await Task.sleep(for: Self.poll)
                    for crew in stage.crews { crew.tell { _ in file.release() } }
                }
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func outcome(
        _ stage: Stage,
        _ findings: Findings,
        _ file: TraceFile,
        channels: Int,
        _ failure: RunError?
    ) -> Outcome {
        var outcome = Outcome("record", stage: stage, findings: findings, failure: failure)
        let written = file.written
        outcome.settings = [("file", self.settings.path), ("channels", Text.grouped(channels))]
        outcome.figures = [
            Figure("events", "events", written.lines),
            Figure("onSeveralChannels", "seen on another channel", written.merged),
            Figure("megabytes", "written", Double(written.bytes) / 1e6, "MB", digits: 2),
            Figure("seconds", "recorded", (.now() - stage.start).seconds, "s", digits: 1),
        ]
        let conflated = findings.verdict.counts.conflated
        if conflated > 0 {
            outcome.remarks.append("\(Text.grouped(conflated)) values were conflated: the trace has the newest of them")
        }
        return outcome
    }
}
