// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Logging
import Synchronization

/// Runs a source for the lifetime of the process, on one cluster node at a time: waits for the leadership, then steps
/// while there is work, waits, backs off after failures, and reports the health of the source.
package final class SourceRunner: Sendable {
    package struct Limits: Sendable {
        /// Delay after a failed step: the first and the longest.
        package var retry: ClosedRange<Duration> = .milliseconds(250) ... .seconds(30)
        /// Minimum interval between two reports of a source whose health is unchanged while it has more to read.
        package var report: Duration = .seconds(1)
        /// Interval between two log lines about progress.
        package var progress: Duration = .seconds(10)
        /// Time between a halt and the end of the leadership.
        package var halt: Duration = .seconds(30)

        package init() {}
    }

    /// Between two attempts to lead: the first and the longest.
    private static let pause: ClosedRange<Duration> = .milliseconds(100) ... .seconds(5)

    private let name: String
    private let store: any SourceStore
    private let limits: Limits
    private let logger: Logger
    private let report: @Sendable (SourceReport) -> Void
    private let withdraw: @Sendable (String) -> Void
    private let makeSource: @Sendable () -> any Source
    private let leads = Atomic<Bool>(false)

    /// - Parameters:
    ///   - name: The name of the leadership.
    ///   - store: The store through which the cluster nodes take turns.
    ///   - report: Called with the health of the source while this node runs it; must not block.
    ///   - withdraw: Called with each of the source's names when this node begins to run it and when it no longer does.
    ///   - makeSource: Called each time this node takes over, as another node may have continued in the meantime.
    package init(
        _ name: String,
        store: any SourceStore,
        limits: Limits = Limits(),
        logger: Logger,
        report: @escaping @Sendable (SourceReport) -> Void,
        withdraw: @escaping @Sendable (String) -> Void,
        makeSource: @escaping @Sendable () -> any Source
    ) {
        self.name = name
        self.store = store
        self.limits = limits
        self.logger = logger
        self.report = report
        self.withdraw = withdraw
        self.makeSource = makeSource
    }

    /// Whether this node runs the source.
    package var isLeading: Bool { self.leads.load(ordering: .relaxed) }

    /// Runs until the task is cancelled.
    package func run() async {
        var backoff = Backoff(Self.pause)
        while !Task.isCancelled {
            do throws(TapeFault) {
                try await self.store.withLeadership(self.name) { await self.lead() }
                backoff.reset()
            } catch {
                self.logger.notice(
                    "this node cannot run the source now",
                    metadata: ["source": "\(self.name)", "fault": "\(error)"]
                )
            }
            await backoff.wait()
        }
    }

    private func lead() async {
        self.leads.store(true, ordering: .relaxed)
        defer { self.leads.store(false, ordering: .relaxed) }
        var source = self.makeSource()
        let names = source.names
        for name in names { self.withdraw(name) }
        self.logger.info("running a source", metadata: ["source": "\(self.name)"])
        await withTaskGroup(of: Void.self) { group in
            for companion in source.companions { group.addTask { await companion() } }
            await self.step(&source)
            group.cancelAll()
        }
        for name in names { self.withdraw(name) }
        self.logger.info("no longer running a source", metadata: ["source": "\(self.name)"])
    }

    /// Steps until the task is cancelled or the source gives up the leadership.
    private func step(_ source: inout any Source) async {
        var backoff = Backoff(self.limits.retry)
        var reporting = Reporting()
        var nextLine = ContinuousClock.now
        var isPoll = false
        while !Task.isCancelled {
            let progress = await source.step(isPoll: isPoll)
            let reports = await source.reports()
            if reporting.isDue(reports, after: progress, every: self.limits.report) { reports.forEach(self.report) }
            switch progress {
            case .advanced, .idle:
                backoff.reset()
                if ContinuousClock.now >= nextLine {
                    nextLine = .now + self.limits.progress
                    await source.logProgress()
                }
            case .failed, .failedOver, .superseded, .halted: break
            }
            switch progress {
            case .advanced, .failedOver: break
            case .idle(let pause): isPoll = await source.wakeSignal.sleep(for: pause)
            case .failed(let least): try? await Task.sleep(for: max(backoff.delay(), least))
            case .superseded: return
            case .halted:
                try? await Task.sleep(for: self.limits.halt)
                return
            }
        }
    }

    /// Which reports are worth publishing: a source that catches up may take hundreds of steps a second.
    private struct Reporting {
        private var states: [SourceReport.State] = []
        private var next = ContinuousClock.now

        mutating func isDue(
            _ reports: [SourceReport],
            after progress: SourceProgress,
            every interval: Duration
        ) -> Bool {
            let isIdle = if case .idle = progress { true } else { false }
            let (now, states) = (ContinuousClock.now, reports.map(\.state))
            guard isIdle || now >= self.next || states != self.states || reports.contains(where: \.isStale) else {
                return false
            }
            (self.next, self.states) = (now + interval, states)
            return true
        }
    }
}
