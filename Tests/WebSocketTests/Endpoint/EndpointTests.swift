// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import WebSocket

@Suite struct EndpointTests {
    /// One row: what a client sends and what the server makes of it.
    struct Fixture: CustomTestStringConvertible {
        let testDescription: String
        let wire: ByteBuffer
        let events: [Endpoint.Event]

        init(_ description: String, _ wire: ByteBuffer..., events: Endpoint.Event...) {
            testDescription = description
            self.wire = wire.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
            self.events = events
        }
    }

    private static let large = ByteBuffer(repeating: 0x62, count: 65536)

    static let fixtures = [
        Fixture("nothing"),
        Fixture("RFC 6455 §5.7: masked text", ByteBuffer(hex: "8185 37fa213d 7f9f4d5158"), events: .text("Hello")),
        Fixture("empty text", masked(.text), events: .text("")),
        Fixture("empty binary", masked(.binary), events: .binary(ByteBuffer())),
        Fixture("text of 125 bytes", masked(.text, .a(125)), events: .text(.a(125))),
        Fixture("text of 126 bytes", masked(.text, .a(126)), events: .text(.a(126))),
        Fixture("binary of 64 KiB", masked(.binary, large), events: .binary(large)),
        Fixture(
            "binary is not checked",
            masked(.binary, ByteBuffer(hex: "ff00c0")),
            events: .binary(ByteBuffer(hex: "ff00c0"))
        ),
        Fixture("non-ASCII text", masked(.text, "Größe: 😀 κόσμε"), events: .text("Größe: 😀 κόσμε")),
        Fixture("two messages", masked(.text, "a"), masked(.binary, "b"), events: .text("a"), .binary("b")),
        Fixture(
            "three fragments",
            masked(.text, "Hel", isFinal: false),
            masked(.continuation, "", isFinal: false),
            masked(.continuation, "lo"),
            events: .text("Hello")
        ),
        Fixture(
            "a character over two fragments",
            masked(.text, ByteBuffer(hex: "61 e2 82"), isFinal: false),
            masked(.continuation, ByteBuffer(hex: "ac")),
            events: .text("a€")
        ),
        Fixture(
            "a ping between fragments",
            masked(.binary, "Hel", isFinal: false),
            masked(.ping, "?"),
            masked(.continuation, "lo"),
            masked(.text, "next"),
            events: .ping("?", pong: plain(.pong, "?")),
            .binary("Hello"),
            .text("next")
        ),
        Fixture("an empty ping", masked(.ping), events: .ping("", pong: plain(.pong))),
        Fixture(
            "several pings, each answered",
            masked(.ping, "1"),
            masked(.ping, .a(125)),
            events: .ping("1", pong: plain(.pong, "1")),
            .ping(.a(125), pong: plain(.pong, .a(125)))
        ),
        Fixture("a pong nobody asked for", masked(.pong, "beat"), events: .pong("beat")),
    ]

    @Test(arguments: fixtures, Delivery.allCases)
    func messagesComeOutAsTheyWereSent(fixture: Fixture, delivery: Delivery) {
        var endpoint = Endpoint.server()
        #expect(endpoint.events(fixture.wire, delivery) == fixture.events)
        #expect(endpoint.state == .open)
    }

    @Test(arguments: fixtures, fixtures)
    func fixturesGluedTogetherComeOutAsEachAlone(first: Fixture, second: Fixture) {
        var endpoint = Endpoint.server()
        #expect(endpoint.events(joined(first.wire, second.wire)) == first.events + second.events)
    }

    @Test(arguments: 0...37)
    func aMessageMayBeCutAnywhere(cut: Int) {
        let wire = joined(masked(.text, "ünfragmentiert 😀"), masked(.ping, "x"))
        var endpoint = Endpoint.server()
        let first = endpoint.events(ByteBuffer(bytes: wire.array[..<min(cut, wire.readableBytes)]))
        let second = endpoint.events(ByteBuffer(bytes: wire.array[min(cut, wire.readableBytes)...]))
        #expect(first + second == [.text("ünfragmentiert 😀"), .ping("x", pong: plain(.pong, "x"))])
    }

    /// Each row is wrong at its last byte: the failure must not wait for the rest of the frame.
    @Test(
        arguments: [
            ("reserved bit", ByteBuffer(hex: "c1"), Violation.reservedBits(.rsv1)),
            ("reserved opcode", ByteBuffer(hex: "83"), .reservedOpcode(3)),
            ("no mask", ByteBuffer(hex: "8105"), .unmaskedFrame),
            ("fragmented ping", ByteBuffer(hex: "09"), .controlFrameFragmented(.ping)),
            ("long close", ByteBuffer(hex: "88fe"), .controlFrameTooLong(.close)),
            ("long frame", ByteBuffer(hex: "82ff 0000000000010001"), .frameTooLarge(bytes: 65537, limit: 65536)),
            ("continuation first", masked(.continuation), .unexpectedContinuation),
            ("continuation after the end", joined(masked(.text), masked(.continuation)), .unexpectedContinuation),
            ("text in text", joined(masked(.text, isFinal: false), masked(.text)), .messageInterrupted(by: .text)),
            (
                "binary in text", joined(masked(.text, isFinal: false), masked(.binary)),
                .messageInterrupted(by: .binary)
            ),
            (
                "long message", joined(masked(.binary, large, isFinal: false), ByteBuffer(hex: "8081 00000000")),
                .messageTooLarge(bytes: 65537, limit: 65536)
            ),
            ("wrong first byte of a long text", ByteBuffer(hex: "81fd 00000000 ff"), .textNotUTF8(offset: 0)),
            ("overlong form", ByteBuffer(hex: "81fe 1000 00000000 61 e0 80"), .textNotUTF8(offset: 2)),
            ("surrogate", ByteBuffer(hex: "018a 00000000 eda0"), .textNotUTF8(offset: 1)),
            (
                "in a second fragment",
                joined(masked(.text, ByteBuffer(hex: "f0"), isFinal: false), ByteBuffer(hex: "0085 00000000 80")),
                .textNotUTF8(offset: 1)
            ),
            ("text ends early", masked(.text, ByteBuffer(hex: "61c3")), .textEndsInsideCharacter),
            (
                "text ends early in a fragment",
                joined(masked(.text, isFinal: false), masked(.continuation, ByteBuffer(hex: "e282"))),
                .textEndsInsideCharacter
            ),
            ("short close", masked(.close, ByteBuffer(hex: "03")), .closePayloadTooShort),
            ("close code 1005", masked(.close, closePayload(1005)), .closeCodeNotAllowed(.noStatus)),
            ("close reason", masked(.close, closePayload(1000, [0x61, 0xFF])), .closeReasonNotUTF8),
        ],
        Delivery.allCases
    )
    func aViolationEndsTheConnectionAtOnce(row: (String, ByteBuffer, Violation), delivery: Delivery) {
        let (_, wire, violation) = row
        var endpoint = Endpoint.server()
        let events = endpoint.events(wire, delivery)
        let reply = serverClose(violation.closeCode, violation.description)
        #expect(events.last == .failed(violation, reply: reply))
        #expect(endpoint.state == .closed)
        #expect(endpoint.events(masked(.text, "more")) == [])
        #expect(endpoint.send(text: "late") == nil)
        #expect(endpoint.close() == nil)
        #expect(endpoint.receivedEnd() == .alreadyClosed)
        var shorter = Endpoint.server()
        let early = shorter.events(ByteBuffer(bytes: wire.array.dropLast()), delivery)
        #expect(early == events.dropLast())
    }

    @Test func tooManyFragmentsAreRefused() {
        var endpoint = Endpoint.server(limits: .init(fragments: 2))
        let wire = joined(masked(.text, isFinal: false), masked(.continuation, isFinal: false), masked(.continuation))
        let violation = Violation.tooManyFragments(limit: 2)
        #expect(
            endpoint.events(wire) == [.failed(violation, reply: serverClose(.policyViolation, violation.description))]
        )
    }

    @Test func limitsAreInclusive() {
        var endpoint = Endpoint.server(limits: .init(frameBytes: 4, messageBytes: 6, fragments: 2))
        let wire = joined(masked(.text, "1234", isFinal: false), masked(.continuation, "56"))
        #expect(endpoint.events(wire) == [.text("123456")])
    }

    @Test func whatCameBeforeAViolationIsDelivered() {
        var endpoint = Endpoint.server()
        let events = endpoint.events(joined(masked(.text, "good"), ByteBuffer(hex: "83")))
        let reply = serverClose(.protocolError, "reserved opcode 3")
        #expect(events == [.text("good"), .failed(.reservedOpcode(3), reply: reply)])
    }

    @Test func aClientTakesUnmaskedFramesAndMasksItsPongs() {
        var endpoint = Endpoint.client()
        var keys = MaskGenerator(seed: 1)
        let header = FrameHeader(.pong, payloadLength: 1, mask: keys.next())
        #expect(
            endpoint.events(joined(plain(.text, "a"), plain(.ping, "?")))
                == [.text("a"), .ping("?", pong: Frame.encode(header, "?"))]
        )
    }

    @Test func aClientRefusesMaskedFrames() {
        var endpoint = Endpoint.client()
        var server = Endpoint.server()
        guard case .failed(.maskedFrame, let reply?)? = endpoint.events(masked(.text, "a")).first else {
            Issue.record("the masked frame was taken")
            return
        }
        #expect(
            server.events(reply)
                == [
                    .closed(
                        Close(.protocolError, reason: "frame from a server is masked"),
                        reply: serverClose(.protocolError)
                    )
                ]
        )
    }

    /// The caller's buffer may be somebody else's too, so unmasking must not show in it.
    @Test func sharedReadsAreNotChanged() {
        let wire = joined(masked(.text, "one"), masked(.text, "two"))
        let before = wire.array
        var endpoint = Endpoint.server()
        #expect(endpoint.events(wire, .whole) == [.text("one"), .text("two")])
        #expect(wire.array == before)
    }

    @Test func eventsThatAreKeptAreNotChangedByLaterOnes() {
        var endpoint = Endpoint.server()
        var wire = ByteBuffer()
        for index in 0..<50 {
            wire.writeImmutableBuffer(masked(.text, "message \(index)"))
        }
        let events = endpoint.events(wire, .unshared)
        #expect(events == (0..<50).map { .text(ByteBuffer(string: "message \($0)")) })
    }

    @Test func readsMayPileUpBeforeEventsAreTaken() {
        var endpoint = Endpoint.server()
        for byte in masked(.text, "piled").array {
            endpoint.receive(ByteBuffer(bytes: [byte]))
        }
        #expect(endpoint.next() == .text("piled"))
        #expect(endpoint.next() == nil)
    }
}
