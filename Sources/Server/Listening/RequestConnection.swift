// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// The connection of a request, for responses that last as long as the connection.
struct RequestConnection: Sendable {
    let channel: any Channel
    let peer: Peer
    let admission: Admission

    /// The connection of the current HTTP request; nil elsewhere.
    @TaskLocal static var current: RequestConnection?
}
