// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// How a session gets bytes out: the seam between the hub and a connection.
///
/// For implementers: every method is called on the connection's event loop and may not block. None calls back before it
/// returns, except that ``flush()`` may tell the session that it became writable. After the connection has ended all of
/// them do nothing.
package protocol Outlet: AnyObject, Sendable {
    /// Whether the connection takes more events: false from when the bytes not yet taken by the kernel pass a limit
    /// until they have left. Control messages are written regardless.
    var isWritable: Bool { get }

    /// Appends framed messages to what goes out at the next ``flush()``, in order.
    func write(_ frames: ByteBuffer)

    /// Whether frames of a run may come compressed; false unless an implementation says otherwise.
    var takesCompressedRuns: Bool { get }

    /// Appends frames that many connections get, as ``write(_:)`` does; the default is to call that.
    func writeRun(_ frames: ByteBuffer)

    /// Sends what has been written. Called once per tick for each connection written to.
    func flush()

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
    package var takesCompressedRuns: Bool { false }

    package func writeRun(_ frames: ByteBuffer) {
        self.write(frames)
    }
}
