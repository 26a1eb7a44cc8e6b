// SPDX-License-Identifier: Apache-2.0

import JSON
package import NIOCore
import Synchronization

/// Limits the events per second of each service on this node, over all transports.
package final class PublishRates: Sendable {
    /// Number of services kept before those with a full bucket are removed.
    private static let forgettingCount = 10_000

    private let rate: AllowedRate?
    private let buckets = Mutex<[ExactText: TokenBucket]>([:])

    /// - Parameter rate: In events; nil means no limit.
    package init(_ rate: AllowedRate?) {
        self.rate = rate
    }

    /// Counts events of a service if it may publish them now. A request larger than the burst counts as a full burst,
    /// otherwise it could never be published. Locks once per request, whatever its size.
    /// - Returns: How long until the service may publish; nil if it may now.
    package func take(_ count: Int, for subject: String, at now: NIODeadline = .now()) -> TimeAmount? {
        guard let rate = self.rate else { return nil }
        let subject = ExactText(subject)
        return self.buckets.withLock { buckets in
            if buckets.count >= Self.forgettingCount, buckets[subject] == nil {
                buckets = buckets.filter { !$0.value.isFull(at: now) }
            }
            return buckets[subject, default: TokenBucket()].take(min(count, rate.burst), of: rate, at: now)
        }
    }
}
