// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import Synchronization

/// Leaving without a surge: sessions are disconnected a few at a time, so that their reconnects are spread.
extension Hub {
    /// Between two slices.
    private static let slices = (shortest: Duration.milliseconds(50), longest: Duration.milliseconds(500), count: 100)

    /// Whether the node is about to leave: it takes no new sessions.
    package var isDraining: Bool {
        self.draining.withLock { $0.deadline != nil }
    }

    /// How long the node still means to take; nil unless it drains.
    package var drainTimeLeft: Duration? {
        self.draining.withLock { draining in
            draining.deadline.map { max(.zero, ContinuousClock.now.duration(to: $0)) }
        }
    }

    /// Stops being ready and disconnects the sessions evenly over a time, each with `goodbye` and 4001. Returns when none
    /// is left, or ``finishDrainNow()`` was called. Everything else continues: events are committed and delivered.
    ///
    /// A second call changes nothing and returns at once.
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

    /// Makes ``drain(over:)`` return now; ``run()`` then disconnects the rest.
    package func finishDrainNow() {
        self.draining.withLock { $0.isHurried = true }
    }
}

/// How far a node has come with leaving.
struct Draining: Sendable {
    /// When the last session is to be gone; nil while the node stays.
    var deadline: ContinuousClock.Instant?
    var isHurried = false
}
