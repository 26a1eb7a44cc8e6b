// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import Synchronization

/// Graceful shutdown: sessions are disconnected a few at a time, so that clients do not all reconnect at once.
extension Hub {
    /// The pause between two slices.
    private static let slices = (shortest: Duration.milliseconds(50), longest: Duration.milliseconds(500), count: 100)

    /// Whether the node is draining: it accepts no new sessions.
    package var isDraining: Bool {
        self.draining.withLock { $0.deadline != nil }
    }

    /// Time left until the drain deadline; nil unless the node is draining.
    package var drainTimeLeft: Duration? {
        self.draining.withLock { draining in
            draining.deadline.map { max(.zero, ContinuousClock.now.duration(to: $0)) }
        }
    }

    /// Makes the node unready and disconnects the sessions evenly over `window`, each with `goodbye` and code 4001.
    /// Returns when no session is left, or after ``finishDrainNow()``. Everything else continues: events published
    /// meanwhile are committed and delivered.
    ///
    /// A second call has no effect and returns immediately.
    package func drain(over window: Duration) async {
        let deadline = ContinuousClock.now.advanced(by: window)
        let isFirst = self.draining.withLock { draining in
            guard draining.deadline == nil else { return false }
            draining.deadline = deadline
            return true
        }
        guard isFirst else { return }
        self.logger.info("draining", metadata: ["over": "\(window)"])
        let pause = min(max(window / Self.slices.count, Self.slices.shortest), Self.slices.longest)
        while !self.draining.withLock({ $0.isHurried }), !Task.isCancelled {
            let left = ContinuousClock.now.duration(to: deadline)
            let fraction = left <= pause ? 1 : pause / left
            var sessions = 0
            for shard in self.shards {
                sessions += await shard.disconnect(fraction, spread: pause)
            }
            guard sessions > 0, left > .zero else { break }
            guard (try? await Task.sleep(for: pause)) != nil else { break }
        }
    }

    /// Makes ``drain(over:)`` return now; ``run()`` then disconnects the remaining sessions.
    package func finishDrainNow() {
        self.draining.withLock { $0.isHurried = true }
    }
}

/// The progress of a drain.
struct Draining: Sendable {
    /// When the last session is to be disconnected; nil unless the node is draining.
    var deadline: ContinuousClock.Instant?
    var isHurried = false
}
