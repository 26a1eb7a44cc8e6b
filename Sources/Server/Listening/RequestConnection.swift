// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// The connection that a request came on, for answers that go on for as long as it lasts.
struct RequestConnection: Sendable {
    let channel: any Channel
    let peer: Peer
    let admission: Admission

    /// The one whose request is being answered over HTTP; nil elsewhere.
    @TaskLocal static var current: RequestConnection?
}
