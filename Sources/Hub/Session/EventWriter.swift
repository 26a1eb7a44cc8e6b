// SPDX-License-Identifier: Apache-2.0

package import NIOCore

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
