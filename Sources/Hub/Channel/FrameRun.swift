// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Consecutive events of one channel, encoded once as frames in one buffer that all its readers share.
package struct FrameRun: Sendable {
    package let first: Int
    package let last: Int
    /// All frames, joined.
    package let bytes: ByteBuffer
    /// Where each frame ends, relative to the beginning of ``bytes``; may be empty where there is one.
    private let ends: [Int]
    /// Nil where no connection takes compressed frames.
    private let compressed: CompressedFrames?

    /// - Parameters:
    ///   - count: How many events there are, at least one; as many as `ends` by default.
    ///   - ends: One per event from `first` on, ascending; may be left out for one.
    ///   - compressed: The same frames for connections that take them compressed.
    package init(first: Int, count: Int? = nil, bytes: ByteBuffer, ends: [Int], compressed: CompressedFrames? = nil) {
        assert((count ?? ends.count) > 0, "a run has events")
        assert(zip(ends, ends.dropFirst()).allSatisfy { $0 < $1 }, "frames end one after the other")
        self.compressed = compressed
        self.first = first
        self.last = first + (count ?? ends.count) - 1
        self.bytes = bytes
        self.ends = ends
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
        guard compressed, let (frames, ends) = self.compressed?.frames(of: self.bytes) else {
            return Self.rest(of: self.bytes, self.ends, from: seq - self.first)
        }
        return Self.rest(of: frames, ends, from: seq - self.first)
    }

    private static func rest(of bytes: ByteBuffer, _ ends: [Int], from index: Int) -> ByteBuffer? {
        if index == 0 { return bytes }
        let start = ends[index - 1]
        return bytes.getSlice(at: bytes.readerIndex + start, length: bytes.readableBytes - start)
    }
}
