// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Ingest
package import Logging

/// One EVM chain as a source: the steps of a ``Follower``, woken by a WebSocket for new blocks.
package struct EVMChainSource: Source {
    package struct Limits: Sendable {
        /// Interval between two polls of the node; at most the block time.
        package var poll: Duration = .seconds(4)
        /// Time without a successful step after which subscribers see the source as stale.
        package var stale: Duration = .seconds(60)
        /// Time without a higher head, at any endpoint, after which the source is stale as well; nil for a chain that
        /// may pause.
        package var stall: Duration? = .seconds(60)

        package init() {}
    }

    package let wakeSignal = WakeSignal()
    private let follower: Follower
    private let subscription: NewHeadsSubscription?
    private let limits: Limits
    private let logger: Logger
    private var state = SourceReport.State.catchingUp
    private var trouble = ""
    /// Time of the last successful step.
    private var worked = ContinuousClock.now
    private var highestHead = 0
    /// Time of the last rise of the head.
    private var rose = ContinuousClock.now

    /// - Parameter subscription: Makes the subscription to new blocks; nil if the chain is only polled.
    package init(
        follower: Follower,
        limits: Limits = Limits(),
        logger: Logger,
        subscription: (_ wake: @escaping @Sendable () -> Void) -> NewHeadsSubscription? = { _ in nil }
    ) {
        self.follower = follower
        self.limits = limits
        self.logger = logger
        self.subscription = subscription(self.wakeSignal.signal)
    }

    package var names: [String] { [self.follower.chain.source] }

    package var companions: [@Sendable () async -> Void] {
        let (follower, subscription) = (self.follower, self.subscription)
        return [{ await follower.watchEndpoints() }, { await subscription?.run() }]
    }

    package mutating func step(isPoll: Bool) async -> SourceProgress {
        do throws(FollowFault) {
            let progress = try await self.follower.step()
            let head = await self.follower.status.head
            self.worked = .now
            if head > self.highestHead { (self.highestHead, self.rose) = (head, self.worked) }
            let isStalled = self.limits.stall.map { self.worked - self.rose >= $0 } ?? false
            self.trouble = isStalled ? "the head has not advanced past block \(head)" : ""
            self.state = isStalled ? .stale : progress == .idle ? .following : .catchingUp
            guard progress == .idle else { return .advanced }
            if isPoll { await self.subscription?.polled(head: head) }
            return .idle(for: self.limits.poll)
        } catch {
            self.trouble = error.description
            if ContinuousClock.now - self.worked >= self.limits.stale { self.state = .stale }
            guard error.isStop else {
                self.logger.debug("chain request failed, retrying", metadata: ["reason": "\(error)"])
                return error.progress
            }
            self.state = .stopped
            self.logger.critical(
                "chain halted: operator action required",
                metadata: ["chain": "\(self.follower.chain.name)", "reason": "\(error)"]
            )
            return .halted
        }
    }

    package func reports() async -> [SourceReport] {
        let (chain, status) = (self.follower.chain, await self.follower.status)
        let endpoints = self.follower.endpointReports + (self.subscription?.endpoints.reports ?? [])
        let report = SourceReport(
            name: chain.source,
            types: chain.types,
            state: self.state,
            position: status.number,
            head: status.head,
            events: status.events,
            trouble: self.trouble.isEmpty ? EndpointPool.trouble(of: endpoints) : self.trouble,
            endpoints: endpoints
        )
        return [report]
    }

    package func logProgress() async {
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
