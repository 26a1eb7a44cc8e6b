// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// When each event of a run should have been sent: what latencies count from.
///
/// Shared, because a delivery can arrive before a message about it would have been taken from a crew's queue.
final class DueTimes: Sendable {
    private let times: Mutex<[UInt64]>

    init(events: Int) {
        self.times = Mutex(Array(repeating: 0, count: events))
    }

    /// In nanoseconds of uptime; nil while it is not known.
    subscript(event: Int) -> UInt64? {
        self.times.withLock { $0[event] > 0 ? $0[event] : nil }
    }

    /// Sets the times of events, in nanoseconds of uptime.
    func set(_ due: some Sequence<(event: Int, at: UInt64)>) {
        self.times.withLock { times in
            for (event, time) in due { times[event] = time }
        }
    }
}
