// SPDX-License-Identifier: Apache-2.0

package import NIOCore

extension Endpoint {
    /// Whether messages and pings may be sent: no close frame was sent or received, and the peer broke no rule.
    package var isOpen: Bool {
        switch state {
        case .open: true
        case .closing, .closed: false
        }
    }

    /// Returns a text message, `nil` where it may no longer be sent.
    ///
    /// The payload must be UTF-8.
    package mutating func send(text payload: ByteBuffer) -> ByteBuffer? {
        isOpen ? message(.text, payload) : nil
    }

    /// Returns a binary message, `nil` where it may no longer be sent.
    package mutating func send(binary payload: ByteBuffer) -> ByteBuffer? {
        isOpen ? message(.binary, payload) : nil
    }

    /// Returns a text message in fragments of up to `size` bytes, `nil` where it may no longer be sent.
    ///
    /// Fragments may split characters; only the whole must be UTF-8.
    package mutating func send(text payload: ByteBuffer, inFragmentsOf size: Int) -> ByteBuffer? {
        isOpen ? encode(.text, payload, inFragmentsOf: size) : nil
    }

    /// Returns a binary message in fragments of up to `size` bytes, `nil` where it may no longer be sent.
    package mutating func send(binary payload: ByteBuffer, inFragmentsOf size: Int) -> ByteBuffer? {
        isOpen ? encode(.binary, payload, inFragmentsOf: size) : nil
    }

    /// Appends a text message to `buffer`, so that several leave in one write.
    ///
    /// The payload must be UTF-8.
    ///
    /// - Returns: Whether it was appended; nothing may be sent after a close frame.
    @discardableResult
    package mutating func write(text payload: ByteBuffer, into buffer: inout ByteBuffer) -> Bool {
        guard isOpen else { return false }
        write(.text, payload, into: &buffer)
        return true
    }

    /// Appends a binary message to `buffer`; see ``write(text:into:)``.
    @discardableResult
    package mutating func write(binary payload: ByteBuffer, into buffer: inout ByteBuffer) -> Bool {
        guard isOpen else { return false }
        write(.binary, payload, into: &buffer)
        return true
    }

    /// Returns a ping, `nil` where it may no longer be sent.
    ///
    /// Bytes beyond the 125th of the payload are left out.
    package mutating func ping(_ payload: ByteBuffer = ByteBuffer()) -> ByteBuffer? {
        isOpen ? encode(.ping, payload.prefixOfControlFrame) : nil
    }

    /// Returns a pong nobody asked for, a one-way heartbeat (RFC 6455 §5.5.3); see ``ping(_:)``.
    package mutating func pong(_ payload: ByteBuffer = ByteBuffer()) -> ByteBuffer? {
        isOpen ? encode(.pong, payload.prefixOfControlFrame) : nil
    }

    mutating func encode(_ opcode: Opcode, _ payload: ByteBuffer) -> ByteBuffer {
        Frame.encode(FrameHeader(opcode, payloadLength: payload.readableBytes, mask: role.nextMask()), payload)
    }

    private mutating func message(_ opcode: Opcode, _ payload: ByteBuffer) -> ByteBuffer {
        var buffer = ByteBuffer()
        write(opcode, payload, into: &buffer)
        return buffer
    }

    private mutating func write(_ opcode: Opcode, _ message: ByteBuffer, into buffer: inout ByteBuffer) {
        let (payload, bits) = payload(of: message)
        let header = FrameHeader(
            opcode,
            payloadLength: payload.readableBytes,
            mask: role.nextMask(),
            reservedBits: bits
        )
        buffer.reserveCapacity(minimumWritableBytes: header.encodedLength + payload.readableBytes)
        Frame.write(header, payload, into: &buffer)
    }

    /// What goes into the frames of a message, and the reserved bits of the first of them.
    private mutating func payload(of message: ByteBuffer) -> (ByteBuffer, ReservedBits) {
        guard let compressed = deflation?.compress(message) else { return (message, []) }
        return (compressed, .rsv1)
    }

    private mutating func encode(_ first: Opcode, _ message: ByteBuffer, inFragmentsOf size: Int) -> ByteBuffer {
        var (rest, bits) = payload(of: message)
        var opcode = first
        var buffer = ByteBuffer()
        repeat {
            let part = rest.readSlice(length: min(max(size, 1), rest.readableBytes)) ?? ByteBuffer()
            let header = FrameHeader(
                opcode,
                payloadLength: part.readableBytes,
                mask: role.nextMask(),
                isFinal: rest.readableBytes == 0,
                reservedBits: bits
            )
            bits = []
            Frame.write(header, part, into: &buffer)
            opcode = .continuation
        } while rest.readableBytes > 0
        return buffer
    }
}

extension ByteBuffer {
    fileprivate var prefixOfControlFrame: ByteBuffer {
        getSlice(at: readerIndex, length: min(readableBytes, FrameHeader.maximumControlPayload)) ?? self
    }
}
