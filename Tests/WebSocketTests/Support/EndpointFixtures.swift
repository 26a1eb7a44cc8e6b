// SPDX-License-Identifier: Apache-2.0

import NIOCore

@testable import WebSocket

extension Endpoint {
    static func server(limits: Limits = Limits(), compression: Compression? = nil) -> Endpoint {
        Endpoint(role: .server, limits: limits, compression: compression)
    }

    static func client(limits: Limits = Limits()) -> Endpoint {
        Endpoint(role: .client(masks: MaskGenerator(seed: 1)), limits: limits)
    }

    /// A server that has sent its close frame.
    static func closingServer() -> Endpoint {
        var endpoint = server()
        _ = endpoint.close()
        return endpoint
    }

    /// Takes bytes and returns every event they lead to.
    mutating func events(_ wire: ByteBuffer, _ delivery: Delivery = .whole) -> [Event] {
        var events: [Event] = []
        for read in delivery.reads(of: wire) {
            receive(read)
            while let event = next() {
                events.append(event)
            }
        }
        return events
    }
}

/// Returns a frame as a client sends it.
func masked(
    _ opcode: Opcode,
    _ payload: ByteBuffer = ByteBuffer(),
    isFinal: Bool = true,
    reservedBits: ReservedBits = []
) -> ByteBuffer {
    let header = FrameHeader(
        opcode,
        payloadLength: payload.readableBytes,
        mask: MaskKey(0x37FA_213D),
        isFinal: isFinal,
        reservedBits: reservedBits
    )
    return Frame.encode(header, payload)
}

/// Returns a frame of text as a client sends it.
func masked(_ opcode: Opcode, _ payload: String, isFinal: Bool = true) -> ByteBuffer {
    masked(opcode, ByteBuffer(string: payload), isFinal: isFinal)
}

/// Returns a frame as a server sends it.
func plain(_ opcode: Opcode, _ payload: ByteBuffer = ByteBuffer(), isFinal: Bool = true) -> ByteBuffer {
    Frame.encode(FrameHeader(opcode, payloadLength: payload.readableBytes, isFinal: isFinal), payload)
}

/// Returns a frame of text as a server sends it.
func plain(_ opcode: Opcode, _ payload: String, isFinal: Bool = true) -> ByteBuffer {
    plain(opcode, ByteBuffer(string: payload), isFinal: isFinal)
}

/// Returns the payload of a close frame.
func closePayload(_ code: UInt16, _ reason: [UInt8] = []) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.writeInteger(code)
    buffer.writeBytes(reason)
    return buffer
}

/// Returns the close frame a server sends with this code and reason.
func serverClose(_ code: CloseCode, _ reason: String = "") -> ByteBuffer {
    plain(.close, closePayload(code.rawValue, Array(reason.utf8)))
}

/// Returns buffers one after the other.
func joined(_ buffers: ByteBuffer...) -> ByteBuffer {
    var all = ByteBuffer()
    for buffer in buffers {
        all.writeImmutableBuffer(buffer)
    }
    return all
}
