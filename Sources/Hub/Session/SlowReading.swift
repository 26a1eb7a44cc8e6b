// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// For how long one connection has held up events, looked at about once a second: what an operator's limit on slow
/// consumers is compared with.
///
/// It counts only while events of a subscription that gets every one of them wait **and** the connection takes nothing.
/// Room on the connection, for however short a time, begins the count anew: a client that reads a long replay is never
/// slow as long as it reads, and one without anything to come is not slow whatever it does.
package struct SlowReading: Sendable, Equatable {
    /// When it was first seen to hold up events; nil while it does not.
    private var since: NIODeadline?

    package init() {}

    /// The connection has had room.
    package mutating func madeRoom() {
        self.since = nil
    }

    /// Looks at the connection.
    /// - Returns: For how long it has held up events without a break; zero while it does not, and at the first look.
    package mutating func look(isWritable: Bool, hasEventsWaiting: Bool, now: NIODeadline) -> TimeAmount {
        guard !isWritable, hasEventsWaiting else {
            self.since = nil
            return .zero
        }
        let since = self.since ?? now
        self.since = since
        return now - since
    }
}
