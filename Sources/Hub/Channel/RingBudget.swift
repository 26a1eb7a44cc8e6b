// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Bounds what all channels together keep in memory for readers that are a little behind.
///
/// Over the limit a channel that publishes keeps its newest run only; readers further back read from the tape.
package final class RingBudget: Sendable {
    private let limit: Int
    private let used = Atomic<Int>(0)

    /// - Parameter limit: In bytes of frames.
    package init(limit: Int) {
        self.limit = limit
    }

    package var usedBytes: Int {
        self.used.load(ordering: .relaxed)
    }

    package var isExceeded: Bool {
        self.usedBytes > self.limit
    }

    package func add(_ bytes: Int) {
        self.used.wrappingAdd(bytes, ordering: .relaxed)
    }
}
