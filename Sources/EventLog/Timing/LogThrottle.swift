// SPDX-License-Identifier: Apache-2.0

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
