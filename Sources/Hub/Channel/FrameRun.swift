// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Consecutive events of one channel, encoded once as frames in one buffer that all its readers share.
package struct FrameRun: Sendable {
    package let first: Int
    package let last: Int
    /// All frames, concatenated.
    package let bytes: ByteBuffer
    /// The end of each frame, relative to the start of ``bytes``; may be empty for a single frame.
    private let ends: [Int]
    /// Nil if no connection accepts compressed frames.
    private let compressed: CompressedFrames?

    /// - Parameters:
    ///   - count: The number of events, at least one; by default, the number of `ends`.
    ///   - ends: One per event, starting with `first`, ascending; may be omitted for a single event.
    ///   - compressed: The same frames for connections that accept compression.
    package init(first: Int, count: Int? = nil, bytes: ByteBuffer, ends: [Int], compressed: CompressedFrames? = nil) {
        assert((count ?? ends.count) > 0, "a run has events")
        assert(zip(ends, ends.dropFirst()).allSatisfy { $0 < $1 }, "frames end one after the other")
        self.compressed = compressed
        self.first = first
        self.last = first + (count ?? ends.count) - 1
        self.bytes = bytes
        self.ends = ends
    }

    /// Compresses the frames off the event loops, since compressing a page of a replay takes milliseconds.
    @concurrent
    package func compressAhead() async {
        _ = self.compressed?.frames(of: self.bytes)
    }

    /// The frames from a number on; nil if it is not in the run.
    /// - Parameter compressed: Whether they may be compressed. A run is compressed once, when first requested.
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
