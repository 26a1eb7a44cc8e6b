// SPDX-License-Identifier: Apache-2.0

/// An average rate per second, and the burst allowed after a pause.
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
