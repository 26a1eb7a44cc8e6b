// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import Synchronization

/// Admission of new sessions while a node drains, or when many clients reconnect at once.
extension Hub {
    /// Why a new session is not accepted now.
    package enum Rejection: Sendable, Equatable {
        /// The node is draining and will stop after this time.
        case draining(Duration)
        /// Sessions arrive faster than the node is configured to accept, or its event loops lag; retry after this time.
        case storm(TimeAmount)
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
            return .storm(Self.lateWait)
        }
        guard let rate = self.configuration.admission.rate else { return nil }
        return self.admissions.withLock { $0.take(1, of: rate, at: now) }.map { .storm($0) }
    }
}
