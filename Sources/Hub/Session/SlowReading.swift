// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Measures for how long a connection has blocked events, checked about once a second. The operator's slow-consumer
/// limit is compared with this time.
///
/// Time counts only while events wait for a subscription that gets every event **and** the connection accepts no bytes.
/// As soon as the connection is writable, however briefly, the measurement restarts: a client that keeps reading a long
/// replay is never slow, and neither is one without pending events.
package struct SlowReading: Sendable, Equatable {
    /// When the connection was first seen to block events; nil while it does not.
    private var since: NIODeadline?

    package init() {}

    /// The connection became writable.
    package mutating func madeRoom() {
        self.since = nil
    }

    /// Checks the connection.
    /// - Returns: For how long it has blocked events without interruption; zero while it does not, and at the first
    ///   check.
    package mutating func observe(isWritable: Bool, hasEventsWaiting: Bool, now: NIODeadline) -> TimeAmount {
        guard !isWritable, hasEventsWaiting else {
            self.since = nil
            return .zero
        }
        let since = self.since ?? now
        self.since = since
        return now - since
    }
}
