// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// When each event of a run should have been sent: what latencies count from.
///
/// Shared, because a delivery can arrive before a message about it would have been taken from a crew's queue.
final class DueTimes: Sendable {
    private let times: Mutex<[UInt64]>

    /// - Parameter events: How many there are, or 0 where they are created during the run.
    init(events: Int) {
        self.times = Mutex(Array(repeating: 0, count: events))
    }

    /// In nanoseconds of uptime; nil while it is not known, or for an event that is not to be measured.
    subscript(event: Int) -> UInt64? {
        self.times.withLock { times in
            guard event < times.count else { return nil }
            return times[event] > 0 ? times[event] : nil
        }
    }

    /// Sets the times of events, in nanoseconds of uptime.
    func set(_ due: some Sequence<(event: Int, at: UInt64)>) {
        self.times.withLock { times in
            for (event, time) in due { times[event] = time }
        }
    }

    /// Adds the times of the next events; 0 for one that is not to be measured.
    func append(_ due: some Sequence<UInt64>) {
        self.times.withLock { $0.append(contentsOf: due) }
    }
}
