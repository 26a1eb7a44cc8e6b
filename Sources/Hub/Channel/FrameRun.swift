// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Consecutive events of one channel, encoded once as frames in one buffer that all its readers share.
package struct FrameRun: Sendable {
    package let first: Int
    /// All frames, joined.
    package let bytes: ByteBuffer
    /// Where each frame ends, relative to the beginning of ``bytes``; never empty.
    private let ends: [Int]
    /// Nil where no connection takes compressed frames.
    private let compressed: CompressedFrames?

    /// - Parameters:
    ///   - ends: One per event from `first` on, ascending.
    ///   - compressed: The same frames for connections that take them compressed.
    package init(first: Int, bytes: ByteBuffer, ends: [Int], compressed: CompressedFrames? = nil) {
        self.compressed = compressed
        self.first = first
        self.bytes = bytes
        self.ends = ends
    }

    package var last: Int {
        self.first + self.ends.count - 1
    }

    /// Compresses the frames away from any loop: a whole page of a replay takes milliseconds.
    @concurrent
    package func compressAhead() async {
        _ = self.compressed?.frames(of: self.bytes)
    }

    /// The frames from one number on; nil when it is not in the run.
    /// - Parameter compressed: Whether they may be compressed. Those of a run are compressed once, when first asked for.
    package func frames(from seq: Int, compressed: Bool = false) -> ByteBuffer? {
        guard seq >= self.first, seq <= self.last else { return nil }
        let (bytes, ends) = (compressed ? self.compressed?.frames(of: self.bytes) : nil) ?? (self.bytes, self.ends)
        if seq == self.first { return bytes }
        let start = ends[seq - self.first - 1]
        return bytes.getSlice(at: bytes.readerIndex + start, length: bytes.readableBytes - start)
    }
}
