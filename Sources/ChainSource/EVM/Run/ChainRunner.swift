// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Ingest
package import Logging
import NIOCore

/// Runs a follower: steps as long as there is something to do, waits for the next block or the next look, slows down
/// when it is told to.
package struct ChainRunner: Sendable {
    package struct Limits: Sendable {
        /// Between two looks at the node; at most the time between blocks.
        package var poll: Duration = .seconds(4)
        /// After something went wrong.
        package var retry: ClosedRange<Duration> = .milliseconds(250) ... .seconds(30)
        /// Between two lines on how a catch-up goes.
        package var progress: Duration = .seconds(10)

        /// Between two alarms of a chain that is not followed any more.
        package var stopped: Duration = .seconds(30)

        /// Without a step that succeeds, after which subscribers are told that the source is stale.
        package var stale: Duration = .seconds(60)
        /// Without a higher head for so long, whichever endpoint is asked, it is stale as well; nil when a chain may stand
        /// still.
        package var stall: Duration? = .seconds(60)
        /// Between two reports at most.
        package var report: Duration = .seconds(1)

        package init() {}
    }

    private let follower: Follower
    private let limits: Limits
    private let logger: Logger
    private let onReport: @Sendable (SourceReport) -> Void
    private let bell = Bell()

    /// - Parameter onReport: Told how the chain is, at most once in ``Limits/report`` while it is well.
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

    /// There may be a new block: look at once. From any thread.
    package func wake() {
        self.bell.ring()
    }

    /// Runs until the task is cancelled. Says so when the follower has stopped, and returns after a while, so that the
    /// operator, or another node, gets a turn.
    /// - Parameter watch: Is told of the head after each look that was not asked for by ``wake()``.
    package func run(beside watch: HeadWatch? = nil) async {
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
                        "a chain is not followed any more until it has been looked at",
                        metadata: ["chain": "\(self.follower.chain.name)", "reason": "\(why)"]
                    )
                    try? await Task.sleep(for: self.limits.stopped)
                    return
                }
            }
        }
    }

    /// How the chain has been lately, for its reports.
    private struct Health {
        var state = SourceReport.State.catchingUp
        /// When a step last succeeded.
        var worked = NIODeadline.now()
        var head = 0
        /// When the head was last higher than before.
        var rose = NIODeadline.now()
        var nextReport = NIODeadline.now()
    }

    private func worked(_ progress: FollowProgress, _ health: inout Health, _ watch: HeadWatch?) async {
        let now = NIODeadline.now()
        let head = await self.follower.status.head
        if head > health.head { (health.head, health.rose) = (head, now) }
        health.worked = now
        let stall = self.limits.stall.map { now - health.rose >= TimeAmount($0) } ?? false
        let state: SourceReport.State = stall ? .stale : progress == .idle ? .following : .catchingUp
        guard now >= health.nextReport || state != health.state || progress == .idle else { return }
        health.nextReport = now + TimeAmount(self.limits.report)
        health.state = state
        await self.report(state, trouble: stall ? "the head, block \(head), does not move" : "", watch)
    }

    private func failed(_ fault: FollowFault, _ health: inout Health, _ watch: HeadWatch?) async {
        let now = NIODeadline.now()
        self.logger.debug("a chain has to be asked again", metadata: ["reason": "\(fault)"])
        if now - health.worked >= TimeAmount(self.limits.stale) { health.state = .stale }
        if case .stopped = fault { health.state = .stopped }
        guard now >= health.nextReport || health.state == .stopped || health.state == .stale else { return }
        health.nextReport = now + TimeAmount(self.limits.report)
        await self.report(health.state, trouble: fault.description, watch)
    }

    /// Returns after a while, or when there may be a new block.
    /// - Returns: Whether it was the while.
    private func pause(_ duration: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { (try? await Task.sleep(for: duration)) != nil }
            group.addTask {
                await self.bell.wait()
                return false
            }
            let isTime = await group.next() ?? false
            group.cancelAll()
            return isTime
        }
    }

    private func report(_ state: SourceReport.State, trouble: String, _ watch: HeadWatch?) async {
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
            status.number < status.head ? "catching up with a chain" : "a chain is followed",
            metadata: [
                "chain": "\(self.follower.chain.name)", "block": "\(status.number)", "head": "\(status.head)",
                "final": "\(status.final)", "facts": "\(status.facts)", "undone": "\(status.undone)",
            ]
        )
    }
}
