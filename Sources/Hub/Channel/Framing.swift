// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// How a message is wrapped for the wire, so that a frame can be built once and sent to everyone.
///
/// The hub does not know the transport; the server gives it the WebSocket header of a text message.
package struct Framing: Sendable {
    /// Makes frames of the same messages that take fewer bytes, each in the place of one given: all of them joined, and
    /// where each ends. Nil when none would be shorter.
    package typealias Compress = @Sendable (_ frames: ByteBuffer) -> (frames: ByteBuffer, ends: [Int])?

    private let writeHeader: @Sendable (_ payloadLength: Int, _ frame: inout ByteBuffer) -> Void
    /// Nil where no connection takes compressed frames.
    let compress: Compress?

    /// - Parameters:
    ///   - compress: For connections that take compressed frames.
    ///   - writeHeader: Appends the header of a payload of that many bytes; at most ``maxHeaderLength`` bytes.
    package init(
        compress: Compress? = nil,
        writeHeader: @escaping @Sendable (_ payloadLength: Int, _ frame: inout ByteBuffer) -> Void
    ) {
        self.compress = compress
        self.writeHeader = writeHeader
    }

    /// Room kept for a header, in bytes.
    package static let maxHeaderLength = 14

    /// Messages as they are, with nothing around them.
    package static let bare = Framing { _, _ in }

    /// Appends one framed message.
    package func append(_ message: [UInt8], to frames: inout ByteBuffer) {
        self.writeHeader(message.count, &frames)
        frames.writeBytes(message)
    }

    /// One framed message in a buffer of its own.
    package func frame(_ message: [UInt8]) -> ByteBuffer {
        var frame = ByteBuffer()
        frame.reserveCapacity(message.count + Self.maxHeaderLength)
        self.append(message, to: &frame)
        return frame
    }
}
