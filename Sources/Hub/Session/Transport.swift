// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// How a session sends bytes: the interface between the hub and a connection.
///
/// For implementers: every method is called on the connection's event loop and must not block. No method calls back
/// before it returns, except that ``flush()`` may inform the session that the connection became writable. After the
/// connection has ended, all methods do nothing.
package protocol Transport: EventWriter, Sendable {
    /// The writer for events, used only on the connection's loop. It is the transport itself unless there is a faster
    /// path.
    var eventWriter: any EventWriter { get }

    /// Sends a ping to the peer.
    func ping()

    /// When data was last received from the peer.
    var lastHeard: NIODeadline { get }

    /// Resumes reading messages. Does nothing unless ``Session/takesMessages`` was false when it was last checked.
    func resumeReading()

    /// Sends what has been written, then a close with this reason, and ends the connection. Further calls do nothing.
    func close(_ reason: CloseReason)
}

extension Transport {
    package var eventWriter: any EventWriter { self }
}

/// The part of an ``Transport`` that is used for every delivery. It is not `Sendable`: the session shard of the loop
/// obtains it once, on the connection's loop, and never passes it to another thread.
package protocol EventWriter: AnyObject {
    /// Whether the connection accepts more events. False once the bytes not yet written to the kernel exceed a limit,
    /// until they have drained. Control messages are written regardless.
    var isWritable: Bool { get }

    /// Appends framed messages, in order, to the output of the next ``flush()``.
    func write(_ frames: ByteBuffer)

    /// Whether the frames of a run may be compressed; false by default. Never changes.
    var takesCompressedRuns: Bool { get }

    /// Appends frames that are shared by many connections, like ``write(_:)``; calls it by default.
    func writeRun(_ frames: ByteBuffer)

    /// Sends what has been written. Called once per tick for each connection with new output.
    func flush()
}

extension EventWriter {
    package var takesCompressedRuns: Bool { false }

    package func writeRun(_ frames: ByteBuffer) {
        self.write(frames)
    }
}
