// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import WebSocket

@Suite struct FrameHeaderDecoderTests {
    private let fromClient = FrameHeaderDecoder(from: .client, maximumPayload: 100_000)
    private let fromServer = FrameHeaderDecoder(from: .server, maximumPayload: 100_000)

    private static let lengths = [0, 1, 125, 126, 127, 255, 256, 65535, 65536, 99_999, 100_000]

    @Test(arguments: Opcode.allCases, lengths)
    func whatIsEncodedIsDecoded(opcode: Opcode, length: Int) throws {
        let length = opcode.isControl ? min(length, 125) : length
        for mask in [nil, MaskKey(0xA1B2_C3D4)] {
            let header = FrameHeader(opcode, payloadLength: length, mask: mask)
            let decoder = mask == nil ? fromServer : fromClient
            var wire = joined(header.bytes, ByteBuffer(string: "payload"))
            #expect(try decoder.next(from: &wire) == header)
            #expect(wire.text == "payload")
        }
    }

    @Test(arguments: lengths)
    func anIncompleteHeaderTakesNothing(length: Int) throws {
        let bytes = FrameHeader(.binary, payloadLength: length, mask: MaskKey(1)).bytes
        for count in 0..<bytes.readableBytes {
            var prefix = ByteBuffer(bytes: bytes.array[..<count])
            #expect(try fromClient.next(from: &prefix) == nil)
            #expect(prefix.readableBytes == count)
        }
    }

    /// Each row ends with the byte that makes it wrong: the byte before it must not be enough, no byte after it needed.
    @Test(arguments: [
        ("c1", Violation.reservedBits(.rsv1)),
        ("a1", .reservedBits(.rsv2)),
        ("91", .reservedBits(.rsv3)),
        ("f1", .reservedBits([.rsv1, .rsv2, .rsv3])),
        ("c0", .reservedBits(.rsv1)),
        ("c9", .reservedBits(.rsv1)),
        ("83", .reservedOpcode(3)),
        ("87", .reservedOpcode(7)),
        ("8b", .reservedOpcode(11)),
        ("0f", .reservedOpcode(15)),
        ("08", .controlFrameFragmented(.close)),
        ("09", .controlFrameFragmented(.ping)),
        ("0a", .controlFrameFragmented(.pong)),
        ("81 05", .unmaskedFrame),
        ("81 7f", .unmaskedFrame),
        ("89 fe", .controlFrameTooLong(.ping)),
        ("88 ff", .controlFrameTooLong(.close)),
        ("82 fe 0000", .lengthNotMinimal(0, bytes: 2)),
        ("82 fe 007d", .lengthNotMinimal(125, bytes: 2)),
        ("82 ff 0000000000000000", .lengthNotMinimal(0, bytes: 8)),
        ("82 ff 000000000000ffff", .lengthNotMinimal(65535, bytes: 8)),
        ("82 ff 8000000000000000", .lengthTopBitSet(1 << 63)),
        ("82 ff ffffffffffffffff", .lengthTopBitSet(.max)),
        ("82 ff 00000000000186a1", .frameTooLarge(bytes: 100_001, limit: 100_000)),
        ("82 ff 7fffffffffffffff", .frameTooLarge(bytes: 1 << 63 - 1, limit: 100_000)),
    ])
    func wrongHeadersAreRefusedAtTheFirstWrongByte(hex: String, violation: Violation) throws {
        var wire = ByteBuffer(hex: hex)
        #expect(throws: violation) { try fromClient.next(from: &wire) }
        var shorter = ByteBuffer(bytes: wire.array.dropLast())
        #expect(try fromClient.next(from: &shorter) == nil)
    }

    @Test func serversMustNotMask() {
        var wire = ByteBuffer(hex: "81 85")
        #expect(throws: Violation.maskedFrame) { try fromServer.next(from: &wire) }
    }

    @Test func agreedBitsAreDecoded() throws {
        let decoder = FrameHeaderDecoder(from: .server, extensions: Extensions(messageBits: .rsv1), maximumPayload: 10)
        var wire = ByteBuffer(hex: "c1 02")
        #expect(try decoder.next(from: &wire) == FrameHeader(.text, payloadLength: 2, reservedBits: .rsv1))
    }
}
