// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Consecutive events of one channel, encoded once as frames in one buffer that all its readers share.
package struct FrameRun: Sendable {
    package let first: Int
    /// All frames, joined.
    package let bytes: ByteBuffer
    /// Where each frame ends, relative to the beginning of ``bytes``; never empty.
    private let ends: [Int]

    /// - Parameter ends: One per event from `first` on, ascending.
    package init(first: Int, bytes: ByteBuffer, ends: [Int]) {
        self.first = first
        self.bytes = bytes
        self.ends = ends
    }

    package var last: Int {
        self.first + self.ends.count - 1
    }

    /// The frames from one number on; nil when it is not in the run.
    package func frames(from seq: Int) -> ByteBuffer? {
        if seq == self.first { return self.bytes }
        guard seq > self.first, seq <= self.last else { return nil }
        let start = self.ends[seq - self.first - 1]
        return self.bytes.getSlice(at: self.bytes.readerIndex + start, length: self.bytes.readableBytes - start)
    }
}
