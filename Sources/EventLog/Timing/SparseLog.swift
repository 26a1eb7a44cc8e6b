// SPDX-License-Identifier: Apache-2.0

/// Keeps something that may happen thousands of times a second from filling the log.
package struct SparseLog: Sendable {
    /// Between two lines.
    private static let interval: Duration = .seconds(10)

    private var next: Timestamp?
    private var count = 0

    package init() {}

    /// It has happened.
    /// - Returns: How often it has since the last line, if it is time for one.
    package mutating func happened(at now: Timestamp) -> Int? {
        self.count += 1
        if let next, now < next { return nil }
        defer { self.count = 0 }
        self.next = now.advanced(by: Self.interval)
        return self.count
    }
}
