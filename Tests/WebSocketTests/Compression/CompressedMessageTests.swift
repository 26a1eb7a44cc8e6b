// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TestSupport
import Testing

@testable import WebSocket

@Suite struct CompressedMessageTests {
    private static let off = DeflateParameters.takeover(false)
    private static let on = DeflateParameters.takeover(true)

    /// The examples of RFC 7692 §7.2.3, for a server that remembers.
    @Test(arguments: Delivery.allCases)
    func theExamplesOfTheRFC(delivery: Delivery) {
        let hello = ByteBuffer(hex: "f248cdc9c90700")
        var server = Endpoint.server(Self.on)
        let wire = joined(
            masked(.text, hello, reservedBits: .rsv1),
            // §7.2.3.1: fragmented
            masked(.text, ByteBuffer(hex: "f248cd"), isFinal: false, reservedBits: .rsv1),
            masked(.ping, "?"),
            masked(.continuation, ByteBuffer(hex: "c9c90700")),
            // §7.2.3.2: with the help of the message before
            masked(.text, ByteBuffer(hex: "f200110000"), reservedBits: .rsv1),
            // §7.2.3.3: a block without compression
            masked(.text, ByteBuffer(hex: "000500faff48656c6c6f00"), reservedBits: .rsv1),
            // §7.2.3.4: a block marked as the last
            masked(.text, ByteBuffer(hex: "f348cdc9c9070000"), reservedBits: .rsv1),
            // §7.2.3.5: two blocks
            masked(.text, ByteBuffer(hex: "f2480500 0000ffff cac9c90700"), reservedBits: .rsv1),
            // After the last block of a message its history still counts.
            masked(.text, ByteBuffer(hex: "f200110000"), reservedBits: .rsv1),
            // §7.2.3.6: nothing
            masked(.text, ByteBuffer(hex: "00"), reservedBits: .rsv1),
            masked(.binary, hello, reservedBits: .rsv1)
        )
        let expected: [Endpoint.Event] = [
            .text("Hello"), .ping("?", pong: plain(.pong, "?")), .text("Hello"), .text("Hello"), .text("Hello"),
            .text("Hello"), .text("Hello"), .text("Hello"), .text(""), .binary("Hello"),
        ]
        #expect(server.events(wire, delivery) == expected)
        #expect(server.state == .open)
    }

    @Test(
        arguments: [
            off, on, .takeover(false, serverWindow: 9, clientWindow: 9),
            .takeover(true, serverWindow: 9, clientWindow: 9),
            .takeover(true, serverWindow: 15, clientWindow: 8), .takeover(true, serverWindow: 12),
        ],
        Delivery.allCases
    )
    func messagesComeOutAsTheyWereSent(parameters: DeflateParameters, delivery: Delivery) throws {
        var (server, client) = (Endpoint.server(parameters), Endpoint.client(parameters))
        for number in 0..<20 {
            let text = ByteBuffer(string: event(number, padding: number * number * 3))
            let fromClient = try (number % 3 == 0 ? client.send(text: text, inFragmentsOf: 7) : client.send(text: text))
                .required()
            #expect(server.events(fromClient, delivery) == [.text(text)])
            let fromServer = try
                (number % 2 == 0 ? server.send(binary: text) : server.send(binary: text, inFragmentsOf: 1)).required()
            #expect(client.events(fromServer, delivery) == [.binary(text)])
        }
    }

    @Test func aMessageMayBeCutAnywhere() throws {
        var client = Endpoint.client(Self.off)
        let text = ByteBuffer(string: event(1))
        let wire = try client.send(text: text, inFragmentsOf: 50).required().array
        for cut in 0...wire.count {
            var server = Endpoint.server(Self.off)
            let events = server.events(ByteBuffer(bytes: wire[..<cut])) + server.events(ByteBuffer(bytes: wire[cut...]))
            #expect(events == [.text(text)], "cut at \(cut)")
        }
    }

    @Test func eventsShrinkAndMoreSoWithHistory() throws {
        var (alone, together) = (Endpoint.server(Self.off), Endpoint.server(Self.on))
        var sizes = (plain: 0, alone: 0, together: 0)
        for number in 0..<50 {
            let text = ByteBuffer(string: event(number, padding: 300))
            sizes.plain += text.readableBytes
            sizes.alone += try alone.send(text: text).required().readableBytes
            sizes.together += try together.send(text: text).required().readableBytes
        }
        #expect(sizes.alone < sizes.plain / 2)
        #expect(sizes.together < sizes.alone / 3)
    }

    @Test(arguments: [(99, false), (100, true), (200, true), (201, false)])
    func whatIsTooShortOrTooLongGoesAsItIs(length: Int, isCompressed: Bool) throws {
        let sizes = Deflation.Sizes(least: 100, most: 200)
        let compression = Compression(Self.off, side: .server, pool: DeflatePool(), sizes: sizes)
        var server = Endpoint(role: .server, compression: compression)
        let frame = try server.send(text: .a(length)).required()
        #expect((frame.getInteger(at: 0, as: UInt8.self) ?? 0) & 0x40 == (isCompressed ? 0x40 : 0))
        var client = Endpoint.client(Self.off)
        #expect(client.events(frame) == [.text(.a(length))])
    }

    @Test func whatWouldNotBecomeShorterGoesAsItIs() throws {
        var generator = SplitMix(seed: 3)
        let noise = ByteBuffer(bytes: generator.bytes(1000))
        var server = Endpoint.server(Self.off)
        #expect(server.send(binary: noise) == plain(.binary, noise))
        #expect(server.send(text: "") == plain(.text, ""))
    }

    /// zlib has no window of 2⁸ bytes, and must not write what the peer cannot read.
    @Test func withTheSmallestWindowNothingIsCompressed() {
        var client = Endpoint.client(.takeover(true, clientWindow: 8))
        #expect((client.send(text: .a(1000))?.getInteger(at: 0, as: UInt8.self) ?? 0) == 0x81)
    }

    /// Distances of a small window, checked by a decompressor that has no larger one.
    @Test(arguments: 9...15)
    func windowsAreKept(bits: Int) throws {
        var generator = SplitMix(seed: UInt64(bits))
        let block = generator.bytes(3000)
        let message = ByteBuffer(bytes: block + block + block)
        var server = Endpoint.server(.takeover(true, serverWindow: bits))
        let frame = try server.send(binary: message).required()
        let doubled = try server.send(binary: message).required()
        guard var inflater = Inflater(windowBits: bits) else {
            Issue.record("no memory")
            return
        }
        for wire in [frame, doubled] {
            var output = ByteBuffer()
            var payload = wire
            payload.moveReaderIndex(forwardBy: 4)
            // In pieces: zlib looks back beyond its window in what one call has written.
            while let byte = payload.readSlice(length: 1) {
                try inflater.inflate(byte, into: &output, limit: 1 << 20)
            }
            try inflater.inflate(ByteBuffer(bytes: Deflater.tail), into: &output, limit: 1 << 20)
            #expect(output == message)
        }
    }

    @Test func streamsAreOnlyBorrowed() throws {
        let pool = DeflatePool()
        for _ in 0..<50 {
            let server = Compression(Self.off, side: .server, pool: pool, sizes: .init(least: 1))
            let client = Compression(Self.off, side: .client, pool: pool, sizes: .init(least: 1))
            var sender = Endpoint(role: .server, compression: server)
            var receiver = Endpoint(role: .client(masks: MaskGenerator(seed: 1)), compression: client)
            let frame = try sender.send(text: .a(100)).required()
            #expect(receiver.events(frame) == [.text(.a(100))])
        }
        #expect(pool.compressions == 50)
        #expect(pool.idleCount == .init(deflaters: 1, inflaters: 1))
    }

    @Test func streamsComeBackFromBrokenMessages() {
        let pool = DeflatePool()
        for payload in [ByteBuffer(hex: "ff"), zeros(100_000)] {
            let compression = Compression(Self.off, side: .server, pool: pool, sizes: .init(least: 1))
            var server = Endpoint(role: .server, compression: compression)
            _ = server.events(masked(.text, payload, reservedBits: .rsv1))
            #expect(server.state == .closed)
            #expect(pool.idleCount == .init(deflaters: 0, inflaters: 1))
        }
    }
}
