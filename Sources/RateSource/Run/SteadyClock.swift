// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// The time of day as it was when this was made, and from then on as a clock that nobody sets: waits and silences stay
/// as long as they are when somebody corrects the time.
package struct SteadyClock: Sendable {
    private let time = Timestamp.now
    private let start = ContinuousClock.now

    package init() {}

    package var now: Timestamp {
        self.time.advanced(by: ContinuousClock.now - self.start)
    }
}
