// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// The time of day at creation, advanced by a monotonic clock: timeouts keep their length when the system time is
/// corrected.
package struct SteadyClock: Sendable {
    private let time = Timestamp.now
    private let start = ContinuousClock.now

    package init() {}

    package var now: Timestamp {
        self.time.advanced(by: ContinuousClock.now - self.start)
    }
}
