// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import Synchronization

/// Who is let in while a node leaves, or when everybody comes back at once.
extension Hub {
    /// Why a new session is not taken in now.
    package enum Rejection: Sendable, Equatable {
        /// The node leaves; it will be gone in this time.
        case draining(Duration)
        /// More arrive than the node accepts at once, or its loops are late already; there may be room after this
        /// time.
        case storm(TimeAmount)
    }

    /// How long those are asked to stay away who come to a loop that is late.
    private static let lateWait = TimeAmount.seconds(2)

    /// Counts a session that is about to begin, unless it has to wait. Called on the loop that it would live on.
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
