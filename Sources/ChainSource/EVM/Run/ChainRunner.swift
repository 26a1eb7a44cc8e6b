// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Ingest
package import Logging
import NIOCore

/// Runs a follower: steps while there is work, then waits for the next block or poll. Backs off on rate limits.
package struct ChainRunner: Sendable {
    package struct Limits: Sendable {
        /// Interval between two polls of the node; at most the block time.
        package var poll: Duration = .seconds(4)
        /// Delay after a failure.
        package var retry: ClosedRange<Duration> = .milliseconds(250) ... .seconds(30)
        /// Interval between two log lines about catching up.
        package var progress: Duration = .seconds(10)

        /// Interval between two alarms while the chain is halted.
        package var stopped: Duration = .seconds(30)

        /// Time without a successful step after which subscribers see the source as stale.
        package var stale: Duration = .seconds(60)
        /// Time without a higher head, at any endpoint, after which the source is stale as well; nil for a chain that
        /// may pause.
        package var stall: Duration? = .seconds(60)
        /// Minimum interval between two reports.
        package var report: Duration = .seconds(1)

        package init() {}
    }

    private let follower: Follower
    private let limits: Limits
    private let logger: Logger
    private let onReport: @Sendable (SourceReport) -> Void
    private let wakeSignal = WakeSignal()

    /// - Parameter onReport: Called with the state of the chain, at most once per ``Limits/report`` while it is
    ///   healthy.
    package init(
        follower: Follower,
        limits: Limits = Limits(),
        logger: Logger,
        onReport: @escaping @Sendable (SourceReport) -> Void = { _ in }
    ) {
        self.follower = follower
        self.limits = limits
        self.logger = logger
        self.onReport = onReport
    }

    /// Polls at once because there may be a new block. Safe to call from any thread.
    package func wake() {
        self.wakeSignal.ring()
    }

    /// Runs until the task is cancelled. When the follower halts, logs an error and returns after a delay, so that the
    /// operator or another node can take over.
    /// - Parameter watch: Receives the head after each poll that was not triggered by ``wake()``.
    package func run(beside watch: NewHeadsSubscription? = nil) async {
        var backoff = Backoff(self.limits.retry)
        var nextLine = NIODeadline.now()
        var hasWaited = false
        var health = Health()
        while !Task.isCancelled {
            do throws(FollowFault) {
                let progress = try await self.follower.step()
                backoff.reset()
                await self.tell(&nextLine)
                await self.worked(progress, &health, watch)
                guard progress == .idle else { continue }
                if hasWaited { await watch?.polled(head: self.follower.status.head) }
                hasWaited = await self.pause(self.limits.poll)
            } catch {
                await self.failed(error, &health, watch)
                switch error {
                case .elsewhere: continue
                case .again(_, let after), .slowDown(_, let after), .unfit(_, _, let after):
                    var delay = max(backoff.delay(), after ?? .zero)
                    if case .slowDown = error { delay = max(delay, .seconds(1)) }
                    try? await Task.sleep(for: delay)
                case .lacking, .unavailable:
                    try? await Task.sleep(for: backoff.delay())
                case .stopped(let why):
                    self.logger.critical(
                        "chain halted: operator action required",
                        metadata: ["chain": "\(self.follower.chain.name)", "reason": "\(why)"]
                    )
                    try? await Task.sleep(for: self.limits.stopped)
                    return
                }
            }
        }
    }

    /// Recent health of the chain, for reports.
    private struct Health {
        var state = SourceReport.State.catchingUp
        /// Time of the last successful step.
        var worked = NIODeadline.now()
        var head = 0
        /// Time of the last rise of the head.
        var rose = NIODeadline.now()
        var nextReport = NIODeadline.now()
    }

    private func worked(_ progress: FollowProgress, _ health: inout Health, _ watch: NewHeadsSubscription?) async {
        let now = NIODeadline.now()
        let head = await self.follower.status.head
        if head > health.head { (health.head, health.rose) = (head, now) }
        health.worked = now
        let stall = self.limits.stall.map { now - health.rose >= TimeAmount($0) } ?? false
        let state: SourceReport.State = stall ? .stale : progress == .idle ? .following : .catchingUp
        guard now >= health.nextReport || state != health.state || progress == .idle else { return }
        health.nextReport = now + TimeAmount(self.limits.report)
        health.state = state
        await self.report(state, trouble: stall ? "the head has not advanced past block \(head)" : "", watch)
    }

    private func failed(_ fault: FollowFault, _ health: inout Health, _ watch: NewHeadsSubscription?) async {
        let now = NIODeadline.now()
        self.logger.debug("chain request failed, retrying", metadata: ["reason": "\(fault)"])
        if now - health.worked >= TimeAmount(self.limits.stale) { health.state = .stale }
        if case .stopped = fault { health.state = .stopped }
        guard now >= health.nextReport || health.state == .stopped || health.state == .stale else { return }
        health.nextReport = now + TimeAmount(self.limits.report)
        await self.report(health.state, trouble: fault.description, watch)
    }

    /// Returns after a delay, or when there may be a new block.
    /// - Returns: Whether the delay elapsed.
    private func pause(_ duration: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { (try? await Task.sleep(for: duration)) != nil }
            group.addTask {
                await self.wakeSignal.wait()
                return false
            }
            let isTime = await group.next() ?? false
            group.cancelAll()
            return isTime
        }
    }

    private func report(_ state: SourceReport.State, trouble: String, _ watch: NewHeadsSubscription?) async {
        let (chain, status) = (self.follower.chain, await self.follower.status)
        let endpoints = self.follower.endpointReports + (watch?.endpoints.reports ?? [])
        self.onReport(
            SourceReport(
                name: chain.source,
                types: chain.types,
                state: state,
                position: status.number,
                head: status.head,
                events: status.events,
                trouble: trouble.isEmpty ? EndpointPool.trouble(of: endpoints) : trouble,
                endpoints: endpoints
            )
        )
    }

    private func tell(_ nextLine: inout NIODeadline) async {
        let now = NIODeadline.now()
        guard now >= nextLine else { return }
        nextLine = now + TimeAmount(self.limits.progress)
        let status = await self.follower.status
        self.logger.info(
            status.number < status.head ? "catching up with a chain" : "chain in sync",
            metadata: [
                "chain": "\(self.follower.chain.name)", "block": "\(status.number)", "head": "\(status.head)",
                "final": "\(status.final)", "facts": "\(status.facts)", "undone": "\(status.undone)",
            ]
        )
    }
}
