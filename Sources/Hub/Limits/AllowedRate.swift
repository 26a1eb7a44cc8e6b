// SPDX-License-Identifier: Apache-2.0

/// So many in a second on the average, and so many at once after a pause.
package struct AllowedRate: Sendable, Equatable {
    /// At least 1.
    package let perSecond: Int
    /// At least 1.
    package let burst: Int

    package init(perSecond: Int, burst: Int) {
        self.perSecond = max(1, perSecond)
        self.burst = max(1, burst)
    }
}
