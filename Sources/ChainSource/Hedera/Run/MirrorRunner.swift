// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Ingest
package import Logging
import NIOCore

/// Runs a follower of a mirror: steps as long as there is something to do, waits for the next look, slows down when it
/// is told to, and tells how it is.
package struct MirrorRunner: Sendable {
    package struct Limits: Sendable {
        /// Between two looks at the mirror; blocks have two seconds each.
        package var poll: Duration = .seconds(2)
        /// After something went wrong.
        package var retry: ClosedRange<Duration> = .milliseconds(250) ... .seconds(30)
        /// Between two lines on how a catch-up goes.
        package var progress: Duration = .seconds(10)
        /// Between two alarms of a mirror that is not followed any more.
        package var stopped: Duration = .seconds(30)
        /// Without a good look, or behind the clock, for which it is stale.
        package var stale: Duration = .seconds(120)

        package init() {}
    }

    package typealias OnReport = @Sendable (SourceReport) -> Void

    private let follower: MirrorFollower
    private let limits: Limits
    private let logger: Logger
    private let onReport: OnReport

    /// - Parameter onReport: Told how the source is after each step; must not block.
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

    /// Runs until the task is cancelled. Says so when the follower has stopped, and returns after a while, so that the
    /// operator, or another node, gets a turn.
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
                self.logger.debug("a mirror has to be asked again", metadata: ["reason": "\(error)"])
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
                        "a mirror is not followed any more until it has been looked at",
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
        // Before the first answer nothing is known of the mirror's time.
        let lag =
            status.head.nanoseconds == 0
            ? nil : Timestamp.now.duration(since: Timestamp(nanoseconds: status.head.nanoseconds))
        let isOld = lag.map { $0 > self.limits.stale + mirror.settle } ?? false
        let endpoints = self.follower.endpointReports
        let old = isOld ? "the mirror's newest block is of \(status.head)" : ""
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
            status.isBehind ? "catching up with a mirror" : "a mirror is followed",
            metadata: [
                "chain": "\(self.follower.mirror.name)", "floor": "\(status.floor)", "head": "\(status.head)",
                "facts": "\(status.facts)", "healed": "\(status.healed)", "undone": "\(status.undone)",
            ]
        )
    }
}
