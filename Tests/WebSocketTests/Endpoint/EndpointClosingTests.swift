// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import WebSocket

@Suite struct EndpointClosingTests {
    @Test(arguments: [1000, 1001, 1003, 1007, 1014, 3000, 4999] as [UInt16], Delivery.allCases)
    func aCloseFrameIsAnsweredWithItsCode(code: UInt16, delivery: Delivery) {
        var endpoint = Endpoint.server()
        let close = CloseCode(rawValue: code)
        #expect(
            endpoint.events(masked(.close, closePayload(code, Array("bye".utf8))), delivery)
                == [.closed(Close(close, reason: "bye"), reply: serverClose(close))]
        )
        #expect(endpoint.state == .closed)
        #expect(endpoint.receivedEnd() == .alreadyClosed)
    }

    @Test func anEmptyCloseFrameIsAnsweredWithAnother() {
        var endpoint = Endpoint.server()
        #expect(endpoint.events(masked(.close)) == [.closed(Close(.noStatus), reply: plain(.close))])
    }

    @Test func whatFollowsACloseFrameIsDropped() {
        var endpoint = Endpoint.server()
        let wire = joined(masked(.close), masked(.text, "late"), masked(.ping), masked(.close), ByteBuffer(hex: "ffff"))
        #expect(endpoint.events(wire) == [.closed(Close(.noStatus), reply: plain(.close))])
        #expect(endpoint.events(masked(.ping)) == [])
    }

    @Test func nothingIsSentAfterACloseFrameWasReceived() {
        var endpoint = Endpoint.server()
        _ = endpoint.events(masked(.close))
        var output = ByteBuffer()
        #expect(endpoint.send(text: "late") == nil)
        #expect(endpoint.send(binary: "late") == nil)
        #expect(endpoint.send(text: "late", inFragmentsOf: 1) == nil)
        #expect(endpoint.send(binary: "late", inFragmentsOf: 1) == nil)
        #expect(endpoint.ping() == nil)
        #expect(endpoint.pong() == nil)
        #expect(endpoint.close() == nil)
        #expect(!endpoint.write(text: "late", into: &output))
        #expect(!endpoint.write(binary: "late", into: &output))
        #expect(output.readableBytes == 0)
    }

    @Test func ourCloseFrameIsAnsweredByThePeer() {
        var endpoint = Endpoint.server()
        #expect(endpoint.close(.goingAway, reason: "restart") == serverClose(.goingAway, "restart"))
        #expect(endpoint.state == .closing)
        #expect(endpoint.events(masked(.close, closePayload(1001))) == [.closed(Close(.goingAway), reply: nil)])
        #expect(endpoint.state == .closed)
    }

    @Test func secondCloseIsIgnored() {
        var endpoint = Endpoint.closingServer()
        #expect(endpoint.close() == nil)
        #expect(endpoint.send(text: "late") == nil)
        #expect(endpoint.state == .closing)
    }

    @Test(arguments: Delivery.allCases)
    func messagesAreSkippedWhileClosing(delivery: Delivery) {
        var endpoint = Endpoint.closingServer()
        let wire = joined(
            masked(.text, "skipped"),
            masked(.text, ByteBuffer(hex: "ff")),
            masked(.continuation, "out of order"),
            masked(.close)
        )
        #expect(endpoint.events(wire, delivery) == [.closed(Close(.noStatus), reply: nil)])
    }

    @Test func pingsAreAnsweredWhileClosing() {
        var endpoint = Endpoint.closingServer()
        #expect(endpoint.events(masked(.ping, "?")) == [.ping("?", pong: plain(.pong, "?"))])
        #expect(endpoint.events(masked(.pong, "!")) == [.pong("!")])
    }

    @Test(arguments: 0...19)
    func closingInTheMiddleOfAFrameSkipsItsRest(cut: Int) {
        let wire = joined(masked(.text, "sixteen bytes ..")).array
        var endpoint = Endpoint.server()
        #expect(endpoint.events(ByteBuffer(bytes: wire[..<cut])) == [])
        #expect(endpoint.close() == serverClose(.normal))
        #expect(endpoint.events(ByteBuffer(bytes: wire[cut...])) == [])
        #expect(endpoint.events(masked(.close)) == [.closed(Close(.noStatus), reply: nil)])
    }

    @Test func closingInTheMiddleOfAFragmentedMessageForgetsIt() {
        var endpoint = Endpoint.server()
        #expect(endpoint.events(masked(.text, "half", isFinal: false)) == [])
        #expect(endpoint.close() == serverClose(.normal))
        #expect(endpoint.events(masked(.continuation, "other half")) == [])
        #expect(endpoint.events(masked(.close)) == [.closed(Close(.noStatus), reply: nil)])
    }

    /// Only one close frame may be sent (RFC 6455 §5.5.1).
    @Test(arguments: [
        (ByteBuffer(hex: "83"), Violation.reservedOpcode(3)),
        (masked(.close, ByteBuffer(hex: "03")), .closePayloadTooShort),
        (ByteBuffer(hex: "8105"), .unmaskedFrame),
    ])
    func aViolationWhileClosingHasNoReply(wire: ByteBuffer, violation: Violation) {
        var endpoint = Endpoint.closingServer()
        #expect(endpoint.events(wire) == [.failed(violation, reply: nil)])
        #expect(endpoint.state == .closed)
    }

    @Test func anEndWithoutACloseFrameIsCode1006() {
        var endpoint = Endpoint.server()
        #expect(endpoint.receivedEnd() == .abnormal(Close(.abnormal)))
        #expect(endpoint.receivedEnd() == .alreadyClosed)
        #expect(endpoint.send(text: "late") == nil)
        var closing = Endpoint.closingServer()
        #expect(closing.receivedEnd() == .abnormal(Close(.abnormal)))
    }

    @Test func twoEndpointsCloseEachOther() {
        var client = Endpoint.client()
        var server = Endpoint.server()
        let first = client.close(CloseCode(rawValue: 4000), reason: "done")
        guard let first, case .closed(let close, let reply?)? = server.events(first).first else {
            Issue.record("no close frame")
            return
        }
        #expect(close == Close(CloseCode(rawValue: 4000), reason: "done"))
        #expect(client.events(reply) == [.closed(Close(CloseCode(rawValue: 4000)), reply: nil)])
    }
}
