// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Logging

/// One mirror for the lifetime of the process: followed by one cluster node at a time.
package struct MirrorService: Sendable {
    private let name: String
    private let store: any SourceStore
    private let makeFollower: @Sendable () -> MirrorFollower
    private let limits: MirrorRunner.Limits
    private let logger: Logger
    private let onReport: MirrorRunner.OnReport
    private let onEnd: @Sendable () -> Void

    /// - Parameters:
    /// - store: The store through which the cluster nodes take turns.
    /// - makeFollower: Called each time this node takes over, as another node may have continued in the meantime.
    ///   - onReport: Called with the state of the source; must not block.
    ///   - onEnd: Called when this node no longer runs the source.
    package init(
        name: String,
        store: any SourceStore,
        limits: MirrorRunner.Limits = MirrorRunner.Limits(),
        logger: Logger,
        onReport: @escaping MirrorRunner.OnReport = { _ in },
        onEnd: @escaping @Sendable () -> Void = {},
        makeFollower: @escaping @Sendable () -> MirrorFollower
    ) {
        self.name = name
        self.store = store
        self.limits = limits
        self.logger = logger
        self.onReport = onReport
        self.onEnd = onEnd
        self.makeFollower = makeFollower
    }

    /// Runs until the task is cancelled.
    package func run() async {
        var backoff = Backoff(.milliseconds(100) ... .seconds(5))
        while !Task.isCancelled {
            do throws(TapeFault) {
                try await self.store.withLeadership("chain:\(self.name)") { await self.lead() }
                backoff.reset()
            } catch {
                self.logger.notice("this node cannot follow the mirror now", metadata: ["fault": "\(error)"])
            }
            await backoff.wait()
        }
    }

    private func lead() async {
        let follower = self.makeFollower()
        let runner = MirrorRunner(
            follower: follower,
            limits: self.limits,
            logger: self.logger,
            onReport: self.onReport
        )
        self.logger.info("following a mirror", metadata: ["chain": "\(self.name)"])
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await follower.watchEndpoints() }
            await runner.run()
            group.cancelAll()
        }
        self.onEnd()
        self.logger.info("no longer following a mirror", metadata: ["chain": "\(self.name)"])
    }
}
