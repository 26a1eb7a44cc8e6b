// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Builds whole frames without a connection: what is encoded here once can be sent to any number of clients.
///
/// Nothing is checked; ``Endpoint`` is the place that knows what may be sent when.
package enum Frame {
    /// Returns an unmasked, unfragmented text frame.
    ///
    /// The payload must be UTF-8.
    package static func encode(text payload: ByteBuffer) -> ByteBuffer {
        encode(FrameHeader(.text, payloadLength: payload.readableBytes), payload)
    }

    /// Returns an unmasked, unfragmented binary frame.
    package static func encode(binary payload: ByteBuffer) -> ByteBuffer {
        encode(FrameHeader(.binary, payloadLength: payload.readableBytes), payload)
    }

    /// Returns a frame with this header and payload, masked if the header has a key.
    ///
    /// The payload must be as long as the header says.
    package static func encode(_ header: FrameHeader, _ payload: ByteBuffer) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: header.encodedLength + payload.readableBytes)
        write(header, payload, into: &buffer)
        return buffer
    }

    /// Appends a frame to `buffer`, so that several leave in one write; see ``encode(_:_:)``.
    package static func write(_ header: FrameHeader, _ payload: ByteBuffer, into buffer: inout ByteBuffer) {
        header.write(to: &buffer)
        let start = buffer.readableBytes
        buffer.writeImmutableBuffer(payload)
        if let mask = header.mask {
            mask.apply(to: &buffer, from: start)
        }
    }

    /// Appends an unmasked, unfragmented text frame to `buffer`.
    ///
    /// The payload must be UTF-8.
    package static func write(text payload: ByteBuffer, into buffer: inout ByteBuffer) {
        write(FrameHeader(.text, payloadLength: payload.readableBytes), payload, into: &buffer)
    }

    /// Appends an unmasked, unfragmented binary frame to `buffer`.
    package static func write(binary payload: ByteBuffer, into buffer: inout ByteBuffer) {
        write(FrameHeader(.binary, payloadLength: payload.readableBytes), payload, into: &buffer)
    }
}
