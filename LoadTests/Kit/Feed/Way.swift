// SPDX-License-Identifier: Apache-2.0

/// How a scenario's events get to the hub.
package enum Way: String, Sendable, CaseIterable {
    /// `publish` over a socket.
    case socket
    /// `POST /events`.
    case post
}
