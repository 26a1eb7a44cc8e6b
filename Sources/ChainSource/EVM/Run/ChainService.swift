// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Logging

/// One chain for the lifetime of the process: followed by one cluster node at a time, with a WebSocket for new blocks.
package struct ChainService: Sendable {
    /// Makes the watcher for new blocks; nil when it cannot be made.
    package typealias MakeWatch = @Sendable (_ wake: @escaping @Sendable () -> Void) -> NewHeadsSubscription?

    private let name: String
    private let store: any SourceStore
    private let makeFollower: @Sendable () -> Follower
    private let limits: ChainRunner.Limits
    private let makeWatch: MakeWatch?
    private let onReport: @Sendable (SourceReport?) -> Void
    private let logger: Logger

    /// - Parameters:
    /// - store: The store through which the cluster nodes take turns.
    /// - makeFollower: Called each time this node takes over, as another node may have continued in the meantime.
    ///   - onReport: Called from any thread with the state of the chain while this node follows it; nil when it no
    ///     longer does.
    package init(
        name: String,
        store: any SourceStore,
        limits: ChainRunner.Limits,
        logger: Logger,
        makeWatch: MakeWatch? = nil,
        makeFollower: @escaping @Sendable () -> Follower,
        onReport: @escaping @Sendable (SourceReport?) -> Void = { _ in }
    ) {
        self.name = name
        self.store = store
        self.limits = limits
        self.logger = logger
        self.makeWatch = makeWatch
        self.makeFollower = makeFollower
        self.onReport = onReport
    }

    /// Runs until the task is cancelled.
    package func run() async {
        var backoff = Backoff(.milliseconds(100) ... .seconds(5))
        while !Task.isCancelled {
            do throws(TapeFault) {
                try await self.store.withLeadership("chain:\(self.name)") { await self.lead() }
                backoff.reset()
            } catch {
                self.logger.notice("this node cannot follow the chain now", metadata: ["fault": "\(error)"])
            }
            await backoff.wait()
        }
    }

    private func lead() async {
        let follower = self.makeFollower()
        let runner = ChainRunner(
            follower: follower,
            limits: self.limits,
            logger: self.logger,
            onReport: self.onReport
        )
        let watch = self.makeWatch? { runner.wake() }
        self.logger.info("following a chain", metadata: ["chain": "\(self.name)"])
        await withTaskGroup(of: Void.self) { group in
            if let watch { group.addTask { await watch.run() } }
            group.addTask { await follower.watchEndpoints() }
            await runner.run(beside: watch)
            // The runner returns after the follower has halted, so that another node can take over.
            group.cancelAll()
        }
        self.onReport(nil)
        self.logger.info("no longer following a chain", metadata: ["chain": "\(self.name)"])
    }
}
