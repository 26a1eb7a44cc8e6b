// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import WebSocket

@Suite struct FrameTests {
    /// The examples of RFC 6455 §5.7, each the sender's side.
    @Test(arguments: [
        (FrameHeader(.text, payloadLength: 5), "Hello", "81 05 48656c6c6f"),
        (FrameHeader(.text, payloadLength: 5, mask: MaskKey(0x37FA_213D)), "Hello", "81 85 37fa213d 7f9f4d5158"),
        (FrameHeader(.text, payloadLength: 3, isFinal: false), "Hel", "01 03 48656c"),
        (FrameHeader(.continuation, payloadLength: 2), "lo", "80 02 6c6f"),
        (FrameHeader(.ping, payloadLength: 5), "Hello", "89 05 48656c6c6f"),
        (FrameHeader(.pong, payloadLength: 5, mask: MaskKey(0x37FA_213D)), "Hello", "8a 85 37fa213d 7f9f4d5158"),
    ])
    func examplesOfTheStandard(header: FrameHeader, payload: String, hex: String) {
        #expect(Frame.encode(header, ByteBuffer(string: payload)) == ByteBuffer(hex: hex))
    }

    @Test(arguments: [(256, "82 7e 0100"), (65536, "82 7f 0000000000010000")])
    func longExamplesOfTheStandard(length: Int, header: String) {
        let payload = ByteBuffer(repeating: 0xAB, count: length)
        #expect(Frame.encode(binary: payload) == joined(ByteBuffer(hex: header), payload))
    }

    @Test func framesOfOneTickAreJoined() {
        var buffer = ByteBuffer()
        Frame.write(text: ByteBuffer(string: "a"), into: &buffer)
        Frame.write(binary: ByteBuffer(string: "b"), into: &buffer)
        Frame.write(FrameHeader(.text, payloadLength: 1, mask: MaskKey(.max)), ByteBuffer(hex: "00"), into: &buffer)
        #expect(buffer == ByteBuffer(hex: "8101 61 8201 62 8181 ffffffff ff"))
        #expect(Frame.encode(text: ByteBuffer(string: "a")) == ByteBuffer(hex: "8101 61"))
    }

    @Test func thePayloadIsNotChanged() {
        let payload = ByteBuffer(string: "shared")
        let frame = Frame.encode(FrameHeader(.text, payloadLength: 6, mask: MaskKey(.max)), payload)
        #expect(payload.text == "shared")
        #expect(frame.readableBytes == 12)
    }
}
