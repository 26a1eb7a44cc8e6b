// SPDX-License-Identifier: Apache-2.0

import Hub
import JSON
import NIOCore
import TestSupport
import Testing

@testable import Server
@testable import WebSocket

/// Frames that break RFC 6455, and floods of frames that do not.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct HostileFrameSystemTests {
    /// A client frame with the given encoding of length and mask. The mask is zero, so the payload is unchanged.
    private static func frame(
        _ first: UInt8,
        _ payload: [UInt8] = [],
        length: [UInt8]? = nil,
        isMasked: Bool = true
    ) -> [UInt8] {
        let mask: UInt8 = isMasked ? 0x80 : 0
        let spelled =
            length
            ?? (payload.count < 126
                ? [UInt8(payload.count)] : [126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)])
        return [first, spelled[0] | mask] + spelled.dropFirst() + (isMasked ? [0, 0, 0, 0] : []) + payload
    }

    private static let text = Array(#"{"op":"ping"}"#.utf8)

    static let violations: [(name: String, bytes: [UInt8], code: Int)] = [
        ("unmasked", Self.frame(0x81, Self.text, isMasked: false), 1002),
        ("reserved bit 1", Self.frame(0xC1, Self.text), 1002), ("reserved bit 2", Self.frame(0xA1, Self.text), 1002),
        ("reserved bit 3", Self.frame(0x91, Self.text), 1002), ("reserved opcode 3", Self.frame(0x83, Self.text), 1002),
        ("reserved opcode 15", Self.frame(0x8F), 1002),
        ("oversized ping", Self.frame(0x89, [UInt8](repeating: 0, count: 126)), 1002),
        ("oversized close", Self.frame(0x88, [UInt8](repeating: 0x30, count: 126)), 1002),
        ("fragmented ping", Self.frame(0x09), 1002), ("close of one byte", Self.frame(0x88, [0x03]), 1002),
        ("close with 1005", Self.frame(0x88, [0x03, 0xED]), 1002),
        ("close with 999", Self.frame(0x88, [0x03, 0xE7]), 1002),
        ("close that is not UTF-8", Self.frame(0x88, [0x03, 0xE8, 0xFF]), 1007),
        ("continuation of nothing", Self.frame(0x80, Self.text), 1002),
        ("a message within a message", Self.frame(0x01, [0x61]) + Self.frame(0x81, Self.text), 1002),
        ("length spelled too long", Self.frame(0x81, length: [126, 0, 5]), 1002),
        ("length of 2^63", Self.frame(0x81, length: [127, 0x80, 0, 0, 0, 0, 0, 0, 0]), 1002),
        ("length of 2^62", Self.frame(0x81, length: [127, 0x40, 0, 0, 0, 0, 0, 0, 0]), 1009),
        ("length over the limit", Self.frame(0x81, length: [127, 0, 0, 0, 0, 0, 0x10, 0, 1]), 1009),
        ("not UTF-8", Self.frame(0x81, [0xC0, 0xAF]), 1007),
        ("a surrogate", Self.frame(0x81, [0xED, 0xA0, 0x80]), 1007),
        ("ends inside a character", Self.frame(0x81, [0xE2, 0x82]), 1007),
        (
            "not UTF-8 across frames", Self.frame(0x01, [0xE2, 0x82]) + Self.frame(0x89) + Self.frame(0x80, [0x28]),
            1007
        ),
        ("binary", Self.frame(0x82, [1, 2, 3]), 4500), ("not JSON", Self.frame(0x81, Array("{".utf8)), 4500),
        ("nested deeply", Self.frame(0x81, [UInt8](repeating: 0x5B, count: 60_000)), 4500),
        ("compressed without agreement", Self.frame(0xC1, [0x4A]), 1002),
    ]

    /// In one write, and byte by byte.
    @Test
    func violationsEndTheConnectionWithTheirCode() async throws {
        try await withWitness { server, witness in
            for (name, bytes, code) in Self.violations {
                let pieces = bytes.count > 1000 ? [bytes[...]] : bytes.indices.map { bytes[$0...$0] }
                for pieces in [[bytes[...]], pieces] {
                    let socket = try await server.open()
                    for piece in pieces { try? await socket.wire.send(ByteBuffer(bytes: piece)) }
                    let closing = try await socket.expectClose(code)
                    #expect(closing != nil, "\(name)")
                }
            }
            try await witness.isServed()
        }
    }

    /// The message before ends the session, and the close frame is that of the violation.
    @Test
    func aViolationBehindAMessageThatIsNoJSONIsAnsweredWithACloseFrame() async throws {
        try await withWitness { server, witness in
            for (name, bytes, code) in Self.violations where code < 4000 {
                let socket = try await server.open()
                try await socket.wire.send(ByteBuffer(bytes: Self.frame(0x81, Array("{".utf8)) + bytes))
                let closing = try await socket.expectClose(code)
                #expect(closing != nil, "\(name)")
            }
            try await witness.isServed()
        }
    }

    @Test
    func endlessFragmentsAreCutOff() async throws {
        try await withWitness { server, witness in
            let empty = Self.frame(0x00)
            let full = Self.frame(0x00, [UInt8](repeating: 0x20, count: 60_000))
            for (fragment, count, code) in [(empty, 200_000, 1008), (full, 100, 1009)] {
                let socket = try await server.open()
                try? await socket.wire.send(ByteBuffer(bytes: Self.frame(0x01, [0x20])))
                let burst = (0..<10).flatMap { _ in fragment }
                for _ in 0..<count / 10 where !socket.wire.received.value.hasEnded {
                    try? await socket.wire.send(ByteBuffer(bytes: burst))
                }
                try await socket.expectClose(code)
                try await witness.isServed()
            }
        }
    }

    /// 12 MiB of blanks in 60 KB.
    @Test
    func aZipBombIsCutOff() async throws {
        var setup = Setup()
        setup.edge.compression = true
        try await withWitness(setup) { server, witness in
            var deflation = Deflation(
                pool: DeflatePool(),
                sizes: .init(least: 1, most: 1 << 20),
                keepsHistory: false,
                windowBits: Deflation.usualWindow
            )
            let blanks = ByteBuffer(repeating: 0x20, count: 1 << 20)
            let compressed = deflation.compress(blanks)
            let block = Array(buffer: try #require(compressed))
            // What a message leaves out ends each block here, so that they make one message.
            let end: [UInt8] = [0, 0, 0xFF, 0xFF]
            let payload: [UInt8] = (0..<12).flatMap { _ in block + end }
            #expect(payload.count < 65_536)
            for _ in 0..<20 {
                let socket = try await Socket.open(on: try await server.connect(), offering: DeflateParameters())
                try await socket.expect("welcome")
                try? await socket.wire.send(ByteBuffer(bytes: Self.frame(0xC1, payload)))
                try await socket.expectClose(1009)
            }
            try await witness.isServed()
        }
    }

    private static func rates(messages: Int?, bytes: Int?) -> Setup {
        var setup = Setup()
        setup.edge.inbound.messages = messages.map { .init(perSecond: $0, burst: $0) }
        setup.edge.inbound.bytes = bytes.map { .init(perSecond: $0, burst: $0) }
        return setup
    }

    @Test
    func floodsOfPingsAndMessagesEndWithWordOfWhenToComeBack() async throws {
        for bytes in [Self.frame(0x89, [1, 2, 3]), Self.frame(0x8A), Self.frame(0x81, Self.text)] {
            try await withWitness(Self.rates(messages: 100, bytes: nil)) { server, witness in
                let socket = try await server.open()
                let flood = (0..<101).flatMap { _ in bytes }
                try? await socket.wire.send(ByteBuffer(bytes: flood))
                try await Self.expectRateLimited(socket)
                try await witness.isServed()
            }
        }
    }

    @Test
    func aFloodOfBytesEndsWithWordOfWhenToComeBack() async throws {
        try await withWitness(Self.rates(messages: nil, bytes: 100_000)) { server, witness in
            let socket = try await server.open()
            for number in 0..<50 where !socket.wire.received.value.hasEnded {
                let frame = Self.frame(number == 0 ? 0x01 : 0x00, [UInt8](repeating: 0x20, count: 20_000))
                try? await socket.wire.send(ByteBuffer(bytes: frame))
            }
            try await Self.expectRateLimited(socket)
            try await witness.isServed()
        }
    }

    /// Answers to earlier messages may precede the close frame.
    private static func expectRateLimited(_ socket: Socket) async throws {
        var message = try await socket.next()
        while message["op"]?.string == "pong" { message = try await socket.next() }
        #expect(message["op"]?.string == "goodbye")
        #expect(message["reason"]?.string == "rate_limited")
        #expect((message["reconnectAfter"]?.integer(in: .seq) ?? 0) > 0)
        try await socket.expectClose(4508)
    }

    /// Services are kept to a rate of events instead.
    @Test
    func aPublisherMayPublishFasterThanOthersMaySpeak() async throws {
        try await withServer(Self.rates(messages: 5, bytes: 2000)) { server in
            let socket = try await server.open(token: try await server.tokens.publisher())
            for number in 1...50 {
                try await socket.send(
                    #"{"op":"publish","events":[{"type":"rateChange","key":"A","data":{"rate":"\#(number)"}}]}"#
                )
                try await socket.expect("published")
            }
        }
    }
}
