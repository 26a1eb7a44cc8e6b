// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import WebSocket

@Suite struct FrameHeaderTests {
    @Test(arguments: [
        (FrameHeader(.text, payloadLength: 0), "81 00"),
        (FrameHeader(.text, payloadLength: 125), "81 7d"),
        (FrameHeader(.binary, payloadLength: 126), "82 7e 007e"),
        (FrameHeader(.binary, payloadLength: 256), "82 7e 0100"),
        (FrameHeader(.binary, payloadLength: 65535), "82 7e ffff"),
        (FrameHeader(.binary, payloadLength: 65536), "82 7f 0000000000010000"),
        (FrameHeader(.binary, payloadLength: .max), "82 7f 7fffffffffffffff"),
        (FrameHeader(.continuation, payloadLength: 1), "80 01"),
        (FrameHeader(.text, payloadLength: 3, isFinal: false), "01 03"),
        (FrameHeader(.text, payloadLength: 5, mask: MaskKey(0x37FA_213D)), "81 85 37fa213d"),
        (FrameHeader(.binary, payloadLength: 300, mask: MaskKey(0x0102_0304)), "82 fe 012c 01020304"),
        (FrameHeader(.binary, payloadLength: 70000, mask: MaskKey(1)), "82 ff 0000000000011170 00000001"),
        (FrameHeader(.text, payloadLength: 7, reservedBits: .rsv1), "c1 07"),
        (FrameHeader(.close, payloadLength: 2), "88 02"),
        (FrameHeader(.ping, payloadLength: 0), "89 00"),
        (FrameHeader(.pong, payloadLength: 0), "8a 00"),
    ])
    func lengthsTakeTheirShortestForm(header: FrameHeader, hex: String) {
        #expect(header.bytes == ByteBuffer(hex: hex))
        #expect(header.encodedLength == ByteBuffer(hex: hex).readableBytes)
    }

    @Test func writingAppends() {
        var buffer = ByteBuffer(string: "before")
        FrameHeader(.ping, payloadLength: 0).write(to: &buffer)
        #expect(buffer == joined(ByteBuffer(string: "before"), ByteBuffer(hex: "8900")))
    }
}
