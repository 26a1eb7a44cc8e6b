// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Logging

/// One chain as long as a process lives: on one node at a time, with the socket that wakes it up.
package struct ChainService: Sendable {
    /// Makes what wakes the chain up; nil when it cannot be made.
    package typealias MakeWatch = @Sendable (_ wake: @escaping @Sendable () -> Void) -> HeadWatch?

    private let name: String
    private let store: any SourceStore
    private let makeFollower: @Sendable () -> Follower
    private let limits: ChainRunner.Limits
    private let makeWatch: MakeWatch?
    private let onReport: @Sendable (SourceReport?) -> Void
    private let logger: Logger

    /// - Parameters:
    ///   - store: Whose nodes take turns.
    ///   - makeFollower: Called at the beginning of each turn, as another node may have gone on meanwhile.
    ///   - onReport: Told how the chain is while it is followed from here, from any thread; nil when it no longer is.
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
                try await self.store.whileAlone("chain:\(self.name)") { await self.lead() }
                backoff.reset()
            } catch {
                self.logger.notice("a chain cannot be followed from here now", metadata: ["fault": "\(error)"])
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
            // The runner returns when it has stopped: then it is somebody's turn.
            group.cancelAll()
        }
        self.onReport(nil)
        self.logger.info("no longer following a chain", metadata: ["chain": "\(self.name)"])
    }
}
