// SPDX-License-Identifier: Apache-2.0

/// The delay before retrying a failed operation: exponential backoff with jitter, so that many clients do not retry at
/// the same time.
package struct Backoff: Sendable {
    private let range: ClosedRange<Duration>
    private var next: Duration

    /// - Parameter range: The initial and the maximum delay.
    package init(_ range: ClosedRange<Duration>) {
        self.range = range
        self.next = range.lowerBound
    }

    /// The next delay.
    package mutating func delay() -> Duration {
        defer { self.next = min(self.next * 2, self.range.upperBound) }
        return self.next * Double.random(in: 0.75...1)
    }

    /// Resets the delay after a success.
    package mutating func reset() {
        self.next = self.range.lowerBound
    }

    /// Returns after the next delay, or immediately if the task is cancelled.
    package mutating func wait() async {
        try? await Task.sleep(for: self.delay())
    }
}

/// Limits log messages about something that can happen thousands of times a second.
package struct LogThrottle: Sendable {
    /// Minimum time between two messages.
    private static let interval: Duration = .seconds(10)

    private var next: Timestamp?
    private var count = 0

    package init() {}

    /// Counts one occurrence.
    /// - Returns: The number of occurrences since the last message if it is time for the next one, otherwise nil.
    package mutating func happened(at now: Timestamp) -> Int? {
        self.count += 1
        if let next, now < next { return nil }
        defer { self.count = 0 }
        self.next = now.advanced(by: Self.interval)
        return self.count
    }
}
