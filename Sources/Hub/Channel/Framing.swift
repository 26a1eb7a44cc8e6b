// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// How a message is framed for the wire, so that a frame can be encoded once and sent to all subscribers.
///
/// The hub does not depend on the transport; the server provides the WebSocket header of a text message.
package struct Framing: Sendable {
    /// Compresses frames one by one. Returns the compressed frames, concatenated, and the end of each; nil if they
    /// would not be shorter.
    package typealias Compress = @Sendable (_ frames: ByteBuffer) -> (frames: ByteBuffer, ends: [Int])?

    private let writeHeader: @Sendable (_ payloadLength: Int, _ frame: inout ByteBuffer) -> Void
    /// Nil if no connection accepts compressed frames.
    let compress: Compress?

    /// - Parameters:
    ///   - compress: For connections that accept compressed frames.
    ///   - writeHeader: Appends the header of a payload of the given length; at most ``maxHeaderLength`` bytes.
    package init(
        compress: Compress? = nil,
        writeHeader: @escaping @Sendable (_ payloadLength: Int, _ frame: inout ByteBuffer) -> Void
    ) {
        self.compress = compress
        self.writeHeader = writeHeader
    }

    /// Maximum length of a header, in bytes.
    package static let maxHeaderLength = 14

    /// No framing: messages are sent unchanged.
    package static let bare = Framing { _, _ in }

    /// Appends one framed message.
    package func append(_ message: [UInt8], to frames: inout ByteBuffer) {
        self.writeHeader(message.count, &frames)
        frames.writeBytes(message)
    }

    /// One framed message in a new buffer.
    package func frame(_ message: [UInt8]) -> ByteBuffer {
        var frame = ByteBuffer()
        frame.reserveCapacity(message.count + Self.maxHeaderLength)
        self.append(message, to: &frame)
        return frame
    }
}
