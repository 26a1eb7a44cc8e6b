// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What a subscriber knows about its connection.
struct Status: Sendable, Equatable {
    enum State: String, Sendable {
        case connecting
        case live
        /// Until the time is over.
        case waiting
        /// Until there is a network.
        case offline
        case closed
    }

    /// The cause of the state.
    enum Occasion: Sendable, Equatable {
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

    var state: State
    /// Failures in a row.
    var attempt: Int
    var session: String?
    var node: String?
    /// The token's user, once the hub has accepted it.
    var user: String?
    /// Nothing can be committed at the moment.
    var isPaused = false
    /// Sources that have fallen silent.
    var stale: [String] = []
    /// With `waiting`.
    var retryIn: TimeAmount?
}
