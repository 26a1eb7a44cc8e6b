// SPDX-License-Identifier: Apache-2.0

import EventLog
import Ingest
import Logging
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct SourceRunnerTests {
    /// What the source and the runner have done.
    private struct Record: Sendable {
        /// `isPoll` of each step.
        var steps: [Bool] = []
        var reports: [SourceReport.State] = []
        var withdrawn = 0
        var progressLines = 0
        var sources = 0
        var companions = 0
    }

    private struct Scripted: Source {
        let names = ["s"]
        let wakeSignal: WakeSignal
        let record: Watched<Record>
        var script: [SourceProgress]
        var state = SourceReport.State.catchingUp

        var companions: [@Sendable () async -> Void] {
            let companion: @Sendable () async -> Void = { [record = self.record] in
                record.change { $0.companions += 1 }
                try? await Watched(false).wait(for: "the cancellation", within: .seconds(600)) { $0 }
                record.change { $0.companions -= 1 }
            }
            return [companion, companion]
        }

        mutating func step(isPoll: Bool) async -> SourceProgress {
            self.record.change { $0.steps.append(isPoll) }
            let progress = self.script.isEmpty ? .idle(for: .seconds(600)) : self.script.removeFirst()
            self.state = progress == .halted ? .stopped : .catchingUp
            return progress
        }

        func reports() async -> [SourceReport] {
            [SourceReport(name: "s", types: [], state: self.state)]
        }

        func logProgress() async {
            self.record.change { $0.progressLines += 1 }
        }
    }

    /// Runs scripts, one for each leadership and the last one again and again, while the body does something.
    private static func run(
        _ scripts: [SourceProgress]...,
        over store: any SourceStore = MemoryTape(),
        limits: SourceRunner.Limits = limits,
        _ body: (Watched<Record>, WakeSignal, SourceRunner) async throws -> Void
    ) async throws {
        let record = Watched(Record())
        let wakeSignal = WakeSignal()
        let runner = SourceRunner(
            "s",
            store: store,
            limits: limits,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            report: { report in record.change { $0.reports.append(report.state) } },
            withdraw: { _ in record.change { $0.withdrawn += 1 } },
            makeSource: {
                let number = record.change { record in
                    record.sources += 1
                    return record.sources
                }
                let script = scripts[min(number, scripts.count) - 1]
                return Scripted(wakeSignal: wakeSignal, record: record, script: script)
            }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await runner.run() }
            try await body(record, wakeSignal, runner)
            group.cancelAll()
        }
        #expect(!runner.isLeading)
        #expect(record.value.companions == 0)
        #expect(record.value.withdrawn == 2 * record.value.sources)
    }

    private static var limits: SourceRunner.Limits {
        var limits = SourceRunner.Limits()
        limits.retry = .milliseconds(1) ... .milliseconds(2)
        limits.report = .seconds(600)
        limits.halt = .milliseconds(1)
        return limits
    }

    @Test func stepsUntilThereIsNothingToRead() async throws {
        try await Self.run([.advanced, .advanced, .advanced]) { record, _, runner in
            try await record.wait(for: "the idle step") { $0.reports.count == 2 && $0.companions == 2 }
            #expect(runner.isLeading)
            #expect(record.value.steps == [false, false, false, false])
            #expect(record.value.progressLines == 1)
            #expect(record.value.sources == 1)
        }
    }

    /// A poll is a step after a wait that passed in full, and the steps that follow it.
    @Test func wakesAreNoPolls() async throws {
        let short = SourceProgress.idle(for: .milliseconds(1))
        try await Self.run([short, .advanced, .idle(for: .seconds(600)), .advanced]) { record, wakeSignal, _ in
            try await record.wait(for: "the long wait") { $0.steps.count == 3 }
            wakeSignal.signal()
            try await record.wait(for: "the last wait") { $0.steps.count == 5 }
            #expect(record.value.steps == [false, true, true, false, false])
        }
    }

    @Test func stepsAgainAfterFailures() async throws {
        let failures: [SourceProgress] = [
            .failed(), .failedOver, .failed(retryAfter: .milliseconds(1)), .failedOver, .failed(),
        ]
        try await Self.run(failures) { record, _, _ in
            try await record.wait(for: "the idle step") { $0.steps.count == 6 && $0.progressLines == 1 }
            #expect(record.value.reports.count == 2)
            #expect(record.value.sources == 1)
        }
    }

    @Test func failureWaitsAsLongAsItAsksFor() async throws {
        try await Self.run([.failed(retryAfter: .seconds(600)), .advanced]) { record, _, _ in
            try await record.wait(for: "the step") { $0.reports.count == 1 }
            #expect(record.value.steps.count == 1)
        }
    }

    /// Another process has continued, or an operator has to: the leadership is given up, and a new source begins.
    @Test(arguments: [SourceProgress.superseded, .halted])
    func leadershipIsGivenUp(_ progress: SourceProgress) async throws {
        try await Self.run([.advanced, progress], []) { record, _, _ in
            try await record.wait(for: "the second source") { $0.sources == 2 && $0.companions == 2 }
            #expect(record.value.steps.prefix(2) == [false, false])
            #expect(record.value.reports.contains(.stopped) == (progress == .halted))
        }
    }

    /// The store cannot be reached, or the leadership is lost in the middle of a step.
    @Test func leadershipIsTakenAgain() async throws {
        let store = Unreliable()
        try await Self.run([], over: store) { record, _, _ in
            try await record.wait(for: "the first source") { $0.sources == 1 && $0.companions == 2 }
            store.lost.signal()
            try await record.wait(for: "the second source") { $0.sources == 2 && $0.companions == 2 }
        }
    }

    /// Refuses once, and then loses the leadership whenever it is asked to.
    private struct Unreliable: SourceStore {
        let lost = WakeSignal()
        private let attempts = Watched(0)

        func withLeadership(_: String, _ work: @escaping @Sendable () async -> Void) async throws(TapeFault) {
            let attempt = self.attempts.change { attempts in
                attempts += 1
                return attempts
            }
            guard attempt > 1 else { throw .unavailable("no connection") }
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await work() }
                await self.lost.wait()
                group.cancelAll()
            }
            throw .unavailable("the connection was lost")
        }

        func state(of source: String, prefix: String) async throws(TapeFault) -> SourceState { SourceState() }

        func entries(of source: String, prefix: String, after name: String, limit: Int) async throws(TapeFault)
            -> [SourceEntry]
        {
            []
        }

        func append(_ events: [Event], with step: SourceStep) async throws(TapeFault) -> StepOutcome {
            .committed([])
        }
    }
}
