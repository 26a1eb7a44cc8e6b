// SPDX-License-Identifier: Apache-2.0

package import NIOCore

extension Machine {
    /// What to do, and what to report.
    package enum Output: Sendable, Equatable {
        /// Open a connection and authenticate.
        case connect(token: String?)
        /// Get a token; `refresh` for a session that is open.
        case askToken(refresh: Bool)
        case send(Request, id: Int)
        /// Drop the connection; what still arrives on it is ignored.
        case close(Ending)

        case status(Status, Status.Occasion)
        /// `wanted` is the name that was asked for.
        case subscribed(Position, head: Int, mode: Message.Mode, wanted: String)
        case event(Event)
        case snapshot(Event)
        case caughtUp(channel: String, seq: Int)
        case gap(Gap)
        /// The hub has events of a channel that have not arrived yet, or they have arrived.
        case behind(channel: String, isBehind: Bool, head: Int, seq: Int)
        case stale([String])
        /// The hub will not let this client follow a channel, named as it was asked for.
        case refused(channel: String, code: String, message: String)
        case error(code: String, message: String, channel: String?)
        /// A cursor to store.
        case save(Position)
    }

    /// When something happens, and a uniformly random number from 0 to 1.
    package struct Moment: Sendable {
        package var now: NIODeadline
        /// Milliseconds since 1970.
        package var wall: Int
        package var random: Double

        package init(now: NIODeadline, wall: Int, random: Double) {
            self.now = now
            self.wall = wall
            self.random = random
        }
    }
}
