// SPDX-License-Identifier: Apache-2.0

/// How long to wait before something that failed is tried again: twice as long each time, with some chance in it so
/// that many do not come back at once.
package struct Backoff: Sendable {
    private let range: ClosedRange<Duration>
    private var next: Duration

    /// - Parameter range: The first and the longest delay.
    package init(_ range: ClosedRange<Duration>) {
        self.range = range
        self.next = range.lowerBound
    }

    /// The next delay.
    package mutating func delay() -> Duration {
        defer { self.next = min(self.next * 2, self.range.upperBound) }
        return self.next * Double.random(in: 0.75...1)
    }

    /// It worked: the next delay is the first again.
    package mutating func reset() {
        self.next = self.range.lowerBound
    }

    /// Returns after the next delay, or at once when the task is cancelled.
    package mutating func wait() async {
        try? await Task.sleep(for: self.delay())
    }
}
