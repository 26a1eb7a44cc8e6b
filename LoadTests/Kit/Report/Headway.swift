// SPDX-License-Identifier: Apache-2.0

package import Terminal

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

    /// As it is shown.
    package var advance: Advance {
        guard self.ready >= self.subscribers else {
            return Advance("subscribing", done: self.ready, of: self.subscribers, unit: "subscribers")
        }
        var note = "\(Text.grouped(self.deliveries)) deliveries"
        if self.following < self.subscribers {
            note += "  connected \(Text.grouped(self.following)) of \(Text.grouped(self.subscribers))"
        }
        return Advance(
            self.phase.isEmpty ? "running" : self.phase,
            done: self.acknowledged,
            of: self.events,
            unit: "events",
            note: note
        )
    }
}
