// SPDX-License-Identifier: Apache-2.0

import Logging
package import NIOCore
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

/// Admission of new sessions while a node drains, or when many clients reconnect at once.
extension Hub {
    /// Why a new session is not accepted now.
    package enum Rejection: Sendable, Equatable {
        /// The node is draining and will stop after this time.
        case draining(Duration)
        /// Sessions arrive faster than the node is configured to accept, or its event loops lag; retry after this time.
        case surge(TimeAmount)
    }

    /// The retry interval for clients whose event loop lags.
    private static let lateWait = TimeAmount.seconds(2)

    /// Counts a session that is about to start, unless it is rejected. Called on the event loop of its connection.
    package func rejection(on loop: any EventLoop, now: NIODeadline = .now()) -> Rejection? {
        if let left = self.drainTimeLeft { return .draining(left) }
        if let limit = self.configuration.admission.lag,
            let shard = self.shards.first(where: { $0.loop === loop }),
            shard.assumeIsolated({ $0.recentLag }) > TimeAmount(limit)
        {
            return .surge(Self.lateWait)
        }
        guard let rate = self.configuration.admission.rate else { return nil }
        return self.admissions.withLock { $0.take(1, of: rate, at: now) }.map { .surge($0) }
    }
}
