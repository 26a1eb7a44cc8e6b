// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// What a subscriber knows about its connection.
package struct Status: Sendable, Equatable {
    package enum State: String, Sendable {
        case connecting
        case live
        /// Until the time is over.
        case waiting
        /// Until there is a network.
        case offline
        case closed
    }

    /// The cause of the state.
    package enum Occasion: Sendable, Equatable {
        case connecting
        case welcomed
        case authenticated
        case noticed
        /// The connection has ended, or failed.
        case lost(Ending)
        /// The network came or went.
        case hostChanged
        /// For good.
        case stopped(Ending)
        /// By the application.
        case closed
    }

    package var state: State
    /// Failures in a row.
    package var attempt: Int
    package var session: String?
    package var node: String?
    /// The token's user, once the hub has accepted it.
    package var user: String?
    /// Nothing can be committed at the moment.
    package var isPaused = false
    /// Sources that have fallen silent.
    package var stale: [String] = []
    /// With `waiting`.
    package var retryIn: TimeAmount?
}
