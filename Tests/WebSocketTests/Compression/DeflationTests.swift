// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import WebSocket

/// Frames that are compressed for many connections at once.
@Suite struct DeflationTests {
    private let pool = DeflatePool()

    private func deflation(keepsHistory: Bool = false, least: Int = 200) -> Deflation {
        Deflation(pool: pool, sizes: .init(least: least), keepsHistory: keepsHistory, windowBits: 15)
    }

    private static func texts(_ count: Int) -> [String] {
        (0..<count).map { event($0, padding: $0 % 2 == 0 ? 0 : 400) }
    }

    private static func frames(_ texts: [String]) -> ByteBuffer {
        texts.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer(plain(.text, $1)) }
    }

    @Test(arguments: [true, false])
    func framesKeepTheirPlaces(keepsHistory: Bool) throws {
        let texts = Self.texts(10)
        let frames = Self.frames(texts)
        var deflation = deflation(keepsHistory: keepsHistory)
        let (bytes, ends) = try deflation.compress(frames: frames).required()
        #expect(bytes.readableBytes < frames.readableBytes)
        #expect(ends.count == texts.count)
        #expect(ends.last == bytes.readableBytes)
        #expect(pool.compressions == 5)
        var client = Endpoint.client(.takeover(keepsHistory))
        var start = 0
        for (text, end) in zip(texts, ends) {
            let frame = try #require(bytes.getSlice(at: bytes.readerIndex + start, length: end - start))
            #expect(client.events(frame) == [.text(ByteBuffer(string: text))])
            start = end
        }
    }

    @Test func nothingIsMadeWhereNothingIsGained() {
        var deflation = deflation()
        #expect(deflation.compress(frames: Self.frames([event(0), event(2)])) == nil)
        #expect(deflation.compress(frames: ByteBuffer()) == nil)
        #expect(pool.compressions == 0)
    }

    @Test func otherFramesStayAsTheyAre() throws {
        let long = event(1, padding: 500)
        let (ping, start) = (plain(.ping, .a(125)), plain(.text, .a(300), isFinal: false))
        let compressed = Frame.encode(
            FrameHeader(.text, payloadLength: 300, reservedBits: .rsv1),
            .a(300)
        )
        var deflation = deflation()
        let (bytes, ends) = try deflation.compress(frames: joined(ping, start, compressed, plain(.text, long)))
            .required()
        #expect(ends.count == 4)
        let kept = joined(ping, start, compressed)
        #expect(bytes.getSlice(at: bytes.readerIndex, length: kept.readableBytes) == kept)
        #expect(pool.compressions == 1)
    }

    @Test func whatIsNoFrameIsLeftAlone() {
        var deflation = deflation()
        #expect(deflation.compress(frames: ByteBuffer(hex: "83")) == nil)
        #expect(deflation.compress(frames: joined(plain(.text, event(1, padding: 400)), ByteBuffer(hex: "81"))) == nil)
    }
}
