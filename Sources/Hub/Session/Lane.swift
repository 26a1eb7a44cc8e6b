// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The part of an ``Outlet`` that every delivery uses, without what makes an outlet fit to be handed between threads:
/// the ``Roster`` takes it once, on the connection's loop, and never lets it go elsewhere.
package protocol Lane: AnyObject {
    /// Whether the connection takes more events: false from when the bytes not yet taken by the kernel pass a limit
    /// until they have left. Control messages are written regardless.
    var isWritable: Bool { get }

    /// Appends framed messages to what goes out at the next ``flush()``, in order.
    func write(_ frames: ByteBuffer)

    /// Whether frames of a run may come compressed; false unless an implementation says otherwise. Never changes.
    var takesCompressedRuns: Bool { get }

    /// Appends frames that many connections get, as ``write(_:)`` does; the default is to call that.
    func writeRun(_ frames: ByteBuffer)

    /// Sends what has been written. Called once per tick for each connection written to.
    func flush()
}

extension Lane {
    package var takesCompressedRuns: Bool { false }

    package func writeRun(_ frames: ByteBuffer) {
        self.write(frames)
    }
}
