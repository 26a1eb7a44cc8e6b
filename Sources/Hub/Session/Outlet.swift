// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// How a session gets bytes out: the seam between the hub and a connection.
///
/// For implementers: every method is called on the connection's event loop and may not block. None calls back before it
/// returns, except that ``flush()`` may tell the session that it became writable. After the connection has ended all of
/// them do nothing.
package protocol Outlet: Lane, Sendable {
    /// The way for events, for use on the connection's loop only; the outlet itself unless there is a shorter one.
    var lane: any Lane { get }

    /// Asks the peer for a sign of life.
    func ping()

    /// When the peer was last heard of.
    var lastHeard: NIODeadline { get }

    /// The session takes messages; does nothing unless ``Session/takesMessages`` was false when it was asked last.
    func resumeReading()

    /// Sends what has been written, then a close with this reason, and ends the connection. Further calls do nothing.
    func close(_ reason: CloseReason)
}

extension Outlet {
    package var lane: any Lane { self }
}
