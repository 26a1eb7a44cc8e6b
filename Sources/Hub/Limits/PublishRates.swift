// SPDX-License-Identifier: Apache-2.0

import JSON
package import NIOCore
import Synchronization

/// Keeps every service to a number of events a second, whichever way it publishes; of this node alone.
package final class PublishRates: Sendable {
    /// Services remembered before those that may publish all they want again are forgotten.
    private static let forgettingCount = 10_000

    private let rate: AllowedRate?
    private let buckets = Mutex<[ExactText: TokenBucket]>([:])

    /// - Parameter rate: In events; nil lets everybody publish as fast as the tape takes it.
    package init(_ rate: AllowedRate?) {
        self.rate = rate
    }

    /// Counts events of a service if it may publish them now. More than it may publish at once count as all of that, or
    /// they could never be published. One lock for a request, whatever it holds.
    /// - Returns: How long until it may; nil when it may.
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
