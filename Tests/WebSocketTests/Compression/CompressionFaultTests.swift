// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TestSupport
import Testing

@testable import WebSocket

/// How a peer's compressed messages can be wrong.
@Suite struct CompressionFaultTests {
    private static let off = DeflateParameters.takeover(false)

    struct Fixture: CustomTestStringConvertible {
        let testDescription: String
        let wire: ByteBuffer
        let violation: Violation

        init(_ description: String, _ wire: ByteBuffer, _ violation: Violation) {
            testDescription = description
            self.wire = wire
            self.violation = violation
        }
    }

    private static func compressed(_ hex: String, _ opcode: Opcode = .text) -> ByteBuffer {
        masked(opcode, ByteBuffer(hex: hex), reservedBits: .rsv1)
    }

    @Test(
        arguments: [
            Fixture(
                "RSV1 on a continuation",
                joined(
                    masked(.text, ByteBuffer(hex: "f248"), isFinal: false, reservedBits: .rsv1),
                    masked(.continuation, ByteBuffer(hex: "cdc9c90700"), reservedBits: .rsv1)
                ),
                .reservedBits(.rsv1)
            ),
            Fixture("RSV1 on a ping", masked(.ping, reservedBits: .rsv1), .reservedBits(.rsv1)),
            Fixture("RSV1 on a close", masked(.close, reservedBits: .rsv1), .reservedBits(.rsv1)),
            Fixture("RSV2", masked(.text, reservedBits: [.rsv1, .rsv2]), .reservedBits(.rsv2)),
            Fixture("a block type that does not exist", compressed("ff"), .compressedDataInvalid),
            Fixture(
                "a stored block of the wrong length",
                compressed("000500faf0 48656c6c6f00"),
                .compressedDataInvalid
            ),
            Fixture("a distance beyond the beginning", compressed("f200110000"), .compressedDataInvalid),
            Fixture("zlib's own header", compressed("789cf248cdc9c90700"), .compressedDataInvalid),
            Fixture("ends inside a block", compressed("f248cdc9"), .compressedDataInvalid),
            Fixture("ends inside a stored block", compressed("000a00f5ff48", .binary), .compressedDataInvalid),
            Fixture("not compressed at all", compressed("48656c6c6f"), .compressedDataInvalid),
            Fixture("text that is not UTF-8", compressed("000200fdff c328 00"), .textNotUTF8(offset: 1)),
            Fixture("text that ends early", compressed("000100feff c3 00"), .textEndsInsideCharacter),
        ],
        Delivery.allCases
    )
    func faultsEndTheConnection(fixture: Fixture, delivery: Delivery) {
        var server = Endpoint.server(Self.off)
        let events = server.events(fixture.wire, delivery)
        let violation = fixture.violation
        let reply = serverClose(violation.closeCode, violation.description)
        #expect(events.last == .failed(violation, reply: reply), "\(events)")
        #expect(server.state == .closed)
    }

    @Test func closeCodes() {
        #expect(Violation.compressedDataInvalid.closeCode == .invalidPayload)
        #expect(Violation.decompressorMissing.closeCode == .internalError)
        #expect(Violation.reservedBits(.rsv1).closeCode == .protocolError)
    }

    /// What is decompressed counts, not what is sent; the limit itself is allowed.
    @Test(arguments: [65_535, 65_536, 65_537, 1_000_000], Delivery.allCases)
    func theLimitHoldsForWhatComesOut(length: Int, delivery: Delivery) {
        var server = Endpoint.server(Self.off)
        let events = server.events(masked(.binary, zeros(length), reservedBits: .rsv1), delivery)
        if length <= 65_536 {
            #expect(events == [.binary(ByteBuffer(repeating: 0, count: length))])
        } else {
            guard case .failed(.messageTooLarge(let bytes, 65_536), _)? = events.last else {
                Issue.record("\(events.count) events")
                return
            }
            // Given up at once, without the rest.
            #expect(bytes == 65_537)
        }
    }

    /// 1 GB of zeros in 1 MB: what lies beyond the limit is not decompressed.
    @Test(.timeLimit(.minutes(1)))
    func aBombDoesNotGoOff() {
        // A block of zeros that can be repeated, as every flush ends on a byte.
        let piece = zeros(1 << 20)
        var bomb = ByteBuffer()
        for _ in 0..<1000 {
            bomb.writeImmutableBuffer(piece)
            bomb.writeBytes(Deflater.tail)
        }
        #expect(bomb.readableBytes < 1 << 20)
        var server = Endpoint.server(Self.off, limits: .init(frameBytes: 2 << 20, messageBytes: 1 << 20))
        let clock = ContinuousClock()
        let start = clock.now
        let events = server.events(masked(.binary, bomb, reservedBits: .rsv1))
        #expect(clock.now - start < .seconds(5))
        guard case .failed(.messageTooLarge(let bytes, let limit), let reply)? = events.last else {
            Issue.record("\(events.count) events")
            return
        }
        #expect(bytes == limit + 1)
        #expect(reply == serverClose(.messageTooBig, "message of at least \(bytes) bytes, limit \(limit)"))
    }

    /// In fragments too, each of which is small.
    @Test func aBombInFragmentsDoesNotGoOff() {
        let bomb = zeros(4 << 20)
        var server = Endpoint.server(Self.off)
        var wire = masked(.binary, ByteBuffer(), isFinal: false, reservedBits: .rsv1)
        for byte in bomb.readableBytesView.prefix(900) {
            wire.writeImmutableBuffer(masked(.continuation, ByteBuffer(bytes: [byte]), isFinal: false))
        }
        guard case .failed(.messageTooLarge, _)? = server.events(wire).last else {
            Issue.record("not refused")
            return
        }
    }

    @Test func withoutAnAgreementNothingMayBeCompressed() {
        var server = Endpoint.server()
        let reply = serverClose(.protocolError, "reserved bits 0b100 set without an extension")
        #expect(server.events(Self.compressed("f248cdc9c90700")) == [.failed(.reservedBits(.rsv1), reply: reply)])
    }

    /// Damaged messages never trap, never exceed the limit, and text that comes out is UTF-8.
    @Test(arguments: 0..<400 as Range<UInt64>)
    func damagedMessages(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        let parameters = DeflateParameters.takeover(seed.isMultiple(of: 2))
        var client = Endpoint.client(parameters)
        var wire: [UInt8] = []
        for number in 0..<8 {
            let text = ByteBuffer(string: event(number, padding: Int.random(in: 0...400, using: &generator)))
            let frame = seed.isMultiple(of: 3) ? client.send(text: text, inFragmentsOf: 40) : client.send(text: text)
            wire += try #require(frame).array
        }
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            let place = Int.random(in: wire.indices, using: &generator)
            wire[place] = UInt8.random(in: 0...255, using: &generator)
        }
        var server = Endpoint.server(parameters, limits: .init(frameBytes: 2000, messageBytes: 2000, fragments: 100))
        var rest = wire[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...200, using: &generator))
            rest = rest.dropFirst(piece.count)
            for event in server.events(ByteBuffer(bytes: piece)) {
                switch event {
                case .text(let payload):
                    #expect(payload.readableBytes <= 2000)
                    #expect(String(validating: payload.readableBytesView, as: UTF8.self) != nil)
                case .binary(let payload):
                    #expect(payload.readableBytes <= 2000)
                case .ping, .pong:
                    break
                case .closed, .failed:
                    #expect(server.state == .closed)
                }
            }
        }
    }

    /// Bytes that were never compressed.
    @Test(arguments: 0..<300 as Range<UInt64>)
    func randomData(seed: UInt64) {
        var generator = SplitMix(seed: seed)
        var server = Endpoint.server(
            .takeover(seed.isMultiple(of: 2)),
            limits: .init(frameBytes: 1000, messageBytes: 1000)
        )
        for _ in 0..<5 {
            let payload = ByteBuffer(bytes: generator.bytes(Int.random(in: 0...200, using: &generator)))
            for event in server.events(masked(.binary, payload, reservedBits: .rsv1)) {
                if case .binary(let message) = event { #expect(message.readableBytes <= 1000) }
            }
        }
    }
}
