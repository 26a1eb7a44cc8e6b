// SPDX-License-Identifier: Apache-2.0

import Terminal

/// How a run is going.
package struct Headway: Sendable {
    package var seconds: Double
    /// What is going on, such as `measuring`.
    package var phase = ""
    package var subscribers: Int
    /// Subscribers whose subscriptions have all begun.
    package var ready: Int
    /// Subscribers that are connected and subscribed right now.
    package var following: Int
    /// How many events there will be, if that is known.
    package var events: Int?
    package var acknowledged: Int
    package var deliveries: Int

    /// One line for humans.
    package var line: String {
        let time = Text.right(Text.decimal(self.seconds, digits: 1), 6) + " s  "
        guard self.ready >= self.subscribers else {
            return "\(time)subscribed \(Text.grouped(self.ready)) of \(Text.grouped(self.subscribers))"
        }
        let connected =
            self.following >= self.subscribers
            ? "" : "  connected \(Text.grouped(self.following)) of \(Text.grouped(self.subscribers))"
        let events = self.events.map { " of \(Text.grouped($0))" } ?? ""
        return "\(time)\(self.phase.isEmpty ? "" : "\(self.phase)  ")acknowledged \(Text.grouped(self.acknowledged))"
            + "\(events)  deliveries \(Text.grouped(self.deliveries))\(connected)"
    }
}
