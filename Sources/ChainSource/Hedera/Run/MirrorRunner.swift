// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Ingest
package import Logging
import NIOCore

/// Runs a mirror follower: steps while there is work, then waits for the next poll. Backs off on rate limits and
/// reports the state of the source.
package struct MirrorRunner: Sendable {
    package struct Limits: Sendable {
        /// Interval between two polls of the mirror; blocks take two seconds.
        package var poll: Duration = .seconds(2)
        /// Delay after a failure.
        package var retry: ClosedRange<Duration> = .milliseconds(250) ... .seconds(30)
        /// Interval between two log lines about catching up.
        package var progress: Duration = .seconds(10)
        /// Interval between two alarms while the mirror is halted.
        package var stopped: Duration = .seconds(30)
        /// Time without a successful poll, or lag behind the clock, after which the source is stale.
        package var stale: Duration = .seconds(120)

        package init() {}
    }

    package typealias OnReport = @Sendable (SourceReport) -> Void

    private let follower: MirrorFollower
    private let limits: Limits
    private let logger: Logger
    private let onReport: OnReport

    /// - Parameter onReport: Called with the state of the source after each step; must not block.
    package init(
        follower: MirrorFollower,
        limits: Limits = Limits(),
        logger: Logger,
        onReport: @escaping OnReport = { _ in }
    ) {
        self.follower = follower
        self.limits = limits
        self.logger = logger
        self.onReport = onReport
    }

    /// Runs until the task is cancelled. When the follower halts, logs an error and returns after a delay, so that the
    /// operator or another node can take over.
    package func run() async {
        var backoff = Backoff(self.limits.retry)
        var nextLine = NIODeadline.now()
        var lastGood = ContinuousClock.now
        while !Task.isCancelled {
            do throws(FollowFault) {
                let progress = try await self.follower.step()
                backoff.reset()
                let lost = await self.follower.status.lost
                if lost.isEmpty { lastGood = .now }
                let isStale = ContinuousClock.now - lastGood >= self.limits.stale
                await self.report(isStale ? .stale : nil)
                await self.tell(&nextLine)
                if progress == .idle { try? await Task.sleep(for: self.limits.poll) }
            } catch {
                let isStale = ContinuousClock.now - lastGood >= self.limits.stale
                self.logger.debug("mirror request failed, retrying", metadata: ["reason": "\(error)"])
                await self.report(error.isStop ? .stopped : isStale ? .stale : nil, trouble: error.description)
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
                        "mirror halted: operator action required",
                        metadata: ["chain": "\(self.follower.mirror.name)", "reason": "\(why)"]
                    )
                    try? await Task.sleep(for: self.limits.stopped)
                    return
                }
            }
        }
    }

    private func report(_ state: SourceReport.State? = nil, trouble: String = "") async {
        let status = await self.follower.status
        let mirror = self.follower.mirror
        // Before the first answer the mirror's time is unknown.
        let lag =
            status.head.nanoseconds == 0
            ? nil : Timestamp.now.duration(since: Timestamp(nanoseconds: status.head.nanoseconds))
        let isOld = lag.map { $0 > self.limits.stale + mirror.settle } ?? false
        let endpoints = self.follower.endpointReports
        let old = isOld ? "the mirror's newest block is from \(status.head)" : ""
        self.onReport(
            SourceReport(
                name: mirror.source,
                types: mirror.eventTypes,
                state: state ?? (isOld ? .stale : status.isBehind ? .catchingUp : .following),
                position: Int(status.floor.nanoseconds),
                head: Int(status.head.nanoseconds),
                events: status.events,
                lag: lag,
                trouble: [trouble, old, EndpointPool.trouble(of: endpoints)].first { !$0.isEmpty } ?? "",
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
            status.isBehind ? "catching up with a mirror" : "mirror in sync",
            metadata: [
                "chain": "\(self.follower.mirror.name)", "floor": "\(status.floor)", "head": "\(status.head)",
                "facts": "\(status.facts)", "healed": "\(status.healed)", "undone": "\(status.undone)",
            ]
        )
    }
}
