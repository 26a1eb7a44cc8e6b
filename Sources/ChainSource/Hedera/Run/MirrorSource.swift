// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Ingest
package import Logging

/// One Hedera network as a source: the steps of a ``MirrorFollower``.
package struct MirrorSource: Source {
    package struct Limits: Sendable {
        /// Interval between two polls of the mirror; blocks take two seconds.
        package var poll: Duration = .seconds(2)
        /// Time without a successful poll, or lag behind the clock, after which the source is stale.
        package var stale: Duration = .seconds(120)

        package init() {}
    }

    package let wakeSignal = WakeSignal()
    private let follower: MirrorFollower
    private let limits: Limits
    private let logger: Logger
    private var fault: FollowFault?
    /// Time of the last poll that found all contracts and topics.
    private var worked = ContinuousClock.now

    package init(follower: MirrorFollower, limits: Limits = Limits(), logger: Logger) {
        self.follower = follower
        self.limits = limits
        self.logger = logger
    }

    package var names: [String] { [self.follower.mirror.source] }

    package var companions: [@Sendable () async -> Void] {
        [{ [follower = self.follower] in await follower.watchEndpoints() }]
    }

    package mutating func step(isPoll: Bool) async -> SourceProgress {
        do throws(FollowFault) {
            let progress = try await self.follower.step()
            self.fault = nil
            if await self.follower.status.lost.isEmpty { self.worked = .now }
            return progress == .idle ? .idle(for: self.limits.poll) : .advanced
        } catch {
            self.fault = error
            guard error.isStop else {
                self.logger.debug("mirror request failed, retrying", metadata: ["reason": "\(error)"])
                return error.progress
            }
            self.logger.critical(
                "mirror halted: operator action required",
                metadata: ["chain": "\(self.follower.mirror.name)", "reason": "\(error)"]
            )
            return .halted
        }
    }

    package func reports() async -> [SourceReport] {
        let (mirror, status) = (self.follower.mirror, await self.follower.status)
        // Before the first answer the mirror's time is unknown.
        let lag =
            status.head.nanoseconds == 0
            ? nil : Timestamp.now.duration(since: Timestamp(nanoseconds: status.head.nanoseconds))
        let isOld = lag.map { $0 > self.limits.stale + mirror.settle } ?? false
        let isStale = isOld || ContinuousClock.now - self.worked >= self.limits.stale
        let endpoints = self.follower.endpointReports
        let old = isOld ? "the mirror's newest block is from \(status.head)" : ""
        let troubles = [self.fault?.description ?? "", old, EndpointPool.trouble(of: endpoints)]
        let report = SourceReport(
            name: mirror.source,
            types: mirror.eventTypes,
            state: self.fault?.isStop == true
                ? .stopped : isStale ? .stale : status.isBehind ? .catchingUp : .following,
            position: Int(status.floor.nanoseconds),
            head: Int(status.head.nanoseconds),
            events: status.events,
            lag: lag,
            trouble: troubles.first { !$0.isEmpty } ?? "",
            endpoints: endpoints
        )
        return [report]
    }

    package func logProgress() async {
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
