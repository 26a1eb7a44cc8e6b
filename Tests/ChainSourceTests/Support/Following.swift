// SPDX-License-Identifier: Apache-2.0

import ChainSource
import EventLog
import Ingest
import Logging
import TestSupport
import Testing

/// A follower of a simulated chain; a new one replaces it after each crash.
final class Following {
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    let node: SimulatedNode
    let sink: RecordingSink
    let chain: Chain
    private(set) var follower: Follower
    private(set) var crashes = 0
    private(set) var retries = 0

    init(_ node: SimulatedNode, _ sink: RecordingSink = RecordingSink(), _ chain: Chain? = nil) {
        self.node = node
        self.sink = sink
        self.chain = chain ?? node.chain.configuration
        self.follower = Follower(chain: self.chain, node: node, sink: sink, logger: Self.quiet)
    }

    func restart() {
        self.follower = Follower(chain: self.chain, node: self.node, sink: self.sink, logger: Self.quiet)
    }

    struct Stuck: Error {
        let why: String
    }

    /// Steps until there is nothing to do, through faults and crashes.
    func catchUp(attempts: Int = 20_000, until isDone: (Follower.Status) -> Bool = { _ in true }) async throws {
        var last = ""
        for _ in 0..<attempts {
            do throws(FollowFault) {
                let progress = try await self.follower.step()
                if progress == .idle, isDone(await self.follower.status) { return }
            } catch {
                if case .stopped(let why) = error { throw Stuck(why: why) }
                self.retries += 1
                last = "\(error)"
                if self.sink.state.value.hasCrashed {
                    self.sink.state.change { $0.hasCrashed = false }
                    self.crashes += 1
                    self.restart()
                }
            }
        }
        throw Stuck(why: "no end after \(attempts) steps, the last fault: \(last)")
    }

    /// Steps until the follower stops for good.
    func stops(attempts: Int = 200) async -> String? {
        for _ in 0..<attempts {
            do throws(FollowFault) {
                _ = try await self.follower.step()
            } catch {
                if case .stopped(let why) = error { return why }
            }
        }
        return nil
    }

    /// Runs a source that no other process wants.
    static func runner(
        _ name: String,
        _ pace: SourceRunner.Limits,
        _ source: @escaping @Sendable () -> any Source,
        onReport: @escaping @Sendable (SourceReport) -> Void
    ) -> SourceRunner {
        SourceRunner(
            name,
            store: MemoryTape(),
            limits: pace,
            logger: Self.quiet,
            report: onReport,
            withdraw: { _ in },
            makeSource: source
        )
    }

    static func runner(
        of follower: Follower,
        limits: EVMChainSource.Limits,
        pace: SourceRunner.Limits,
        onReport: @escaping @Sendable (SourceReport) -> Void
    ) -> SourceRunner {
        Self.runner(
            "chain:test",
            pace,
            { EVMChainSource(follower: follower, limits: limits, logger: Self.quiet) },
            onReport: onReport
        )
    }

    /// Differences between everything published so far and the whole chain.
    var differences: [String] {
        Replay(self.sink.state.value.events).differences(from: self.node.chain.truth())
    }
}
