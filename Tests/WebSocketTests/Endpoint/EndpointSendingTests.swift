// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import WebSocket

@Suite struct EndpointSendingTests {
    @Test func aServerSendsWithoutMasks() {
        var endpoint = Endpoint.server()
        #expect(endpoint.send(text: "Hello") == ByteBuffer(hex: "8105 48656c6c6f"))
        #expect(endpoint.send(binary: "Hello") == ByteBuffer(hex: "8205 48656c6c6f"))
        #expect(endpoint.ping("Hello") == ByteBuffer(hex: "8905 48656c6c6f"))
        #expect(endpoint.ping() == ByteBuffer(hex: "8900"))
        #expect(endpoint.pong() == ByteBuffer(hex: "8a00"))
        #expect(endpoint.close(.normal) == ByteBuffer(hex: "8802 03e8"))
    }

    @Test func aClientMasksEachFrameWithAKeyOfItsOwn() {
        var endpoint = Endpoint.client()
        var keys = MaskGenerator(seed: 1)
        for _ in 0..<3 {
            let header = FrameHeader(.text, payloadLength: 5, mask: keys.next())
            #expect(endpoint.send(text: "Hello") == Frame.encode(header, "Hello"))
        }
    }

    @Test(arguments: [0, 1, 125, 126, 65535, 65536])
    func whatAClientSendsAServerReceives(length: Int) {
        var client = Endpoint.client()
        var server = Endpoint.server()
        #expect(client.send(text: .a(length)).map { server.events($0) } == [.text(.a(length))])
        #expect(client.send(binary: .a(length)).map { server.events($0) } == [.binary(.a(length))])
    }

    @Test(arguments: [0, 1, 2, 3, 7, 8, 9, 100])
    func fragmentsAreReceivedAsOneMessage(size: Int) {
        var client = Endpoint.client()
        var server = Endpoint.server()
        let text: ByteBuffer = "Größe: 😀"
        #expect(client.send(text: text, inFragmentsOf: size).map { server.events($0) } == [.text(text)])
        #expect(client.send(binary: text, inFragmentsOf: size).map { server.events($0) } == [.binary(text)])
        #expect(client.send(text: "", inFragmentsOf: size).map { server.events($0) } == [.text("")])
    }

    @Test func fragmentsHaveTheSizeAskedFor() {
        var endpoint = Endpoint.server()
        #expect(
            endpoint.send(text: "Hello", inFragmentsOf: 2)
                == joined(
                    plain(.text, "He", isFinal: false),
                    plain(.continuation, "ll", isFinal: false),
                    plain(.continuation, "o")
                )
        )
        #expect(endpoint.send(binary: "Hello", inFragmentsOf: 5) == plain(.binary, "Hello"))
        for size in 0...1 {
            let letters = joined(plain(.text, "H", isFinal: false), plain(.continuation, "i"))
            #expect(endpoint.send(text: "Hi", inFragmentsOf: size) == letters)
        }
    }

    @Test func framesOfOneTickAreJoined() {
        var endpoint = Endpoint.server()
        var output = ByteBuffer()
        #expect(endpoint.write(text: "a", into: &output))
        #expect(endpoint.write(binary: "b", into: &output))
        #expect(output == joined(plain(.text, "a"), plain(.binary, "b")))
    }

    @Test func longPingsAreCut() {
        var endpoint = Endpoint.server()
        #expect(endpoint.ping(.a(126)) == plain(.ping, .a(125)))
        #expect(endpoint.pong(.a(1000)) == plain(.pong, .a(125)))
    }

    @Test func aCloseFrameMayHaveNoCode() {
        var endpoint = Endpoint.server()
        #expect(endpoint.close(.noStatus, reason: "unseen") == plain(.close))
    }
}
