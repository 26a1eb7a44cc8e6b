// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Limits the memory that all channels use for the frames of readers slightly behind.
///
/// Beyond the limit, a channel keeps only the newest run when it publishes; other readers read from the tape.
package final class RingBudget: Sendable {
    private let limit: Int
    private let used = Atomic<Int>(0)

    /// - Parameter limit: Total size of frames, in bytes.
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
