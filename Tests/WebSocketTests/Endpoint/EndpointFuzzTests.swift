// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TestSupport
import Testing

@testable import WebSocket

/// Arbitrary bytes never trap, and the state always fits the events.
@Suite struct EndpointFuzzTests {
    /// Feeds `wire` in pieces of random length and checks what must hold whatever the bytes are.
    private func feed(_ wire: [UInt8], to endpoint: inout Endpoint, _ generator: inout SplitMix) {
        var rest = wire[...]
        var ends = 0
        var received = 0
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...40, using: &generator))
            rest = rest.dropFirst(piece.count)
            endpoint.receive(ByteBuffer(bytes: piece))
            while let event = endpoint.next() {
                #expect(ends == 0, "an event after the last")
                switch event {
                case .text(let payload):
                    received += payload.readableBytes
                    #expect(String(validating: payload.readableBytesView, as: UTF8.self) != nil)
                case .binary(let payload):
                    received += payload.readableBytes
                case .ping(let payload, _), .pong(let payload):
                    #expect(payload.readableBytes <= 125)
                case .closed, .failed:
                    ends += 1
                    #expect(endpoint.state == .closed)
                }
            }
        }
        #expect(received <= wire.count)
        #expect((endpoint.state == .closed) == (ends == 1))
        #expect(endpoint.receivedEnd() == (ends == 1 ? .alreadyClosed : .abnormal(Close(.abnormal))))
        #expect(endpoint.next() == nil)
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func randomBytes(seed: UInt64) {
        var generator = SplitMix(seed: seed)
        var endpoint = seed.isMultiple(of: 2) ? Endpoint.server() : .client()
        feed(generator.bytes(400), to: &endpoint, &generator)
    }

    /// Valid conversations with a few bytes changed get further than random bytes do.
    @Test(arguments: 0..<300 as Range<UInt64>)
    func damagedFrames(seed: UInt64) {
        var generator = SplitMix(seed: seed)
        var sender = Endpoint.client()
        var wire: [UInt8] = []
        for _ in 0..<20 {
            let payload = ByteBuffer(repeating: 0x61, count: Int.random(in: 0...200, using: &generator))
            let frame =
                switch UInt8.random(in: 0...4, using: &generator) {
                case 0: sender.send(text: payload)
                case 1: sender.send(binary: payload)
                case 2: sender.send(text: payload, inFragmentsOf: 50)
                case 3: sender.ping(payload)
                default: sender.pong(payload)
                }
            wire += frame?.array ?? []
        }
        for _ in 0..<UInt64.random(in: 0...3, using: &generator) {
            let place = Int.random(in: wire.indices, using: &generator)
            wire[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
        }
        var endpoint = Endpoint.server(limits: .init(frameBytes: 300, messageBytes: 300, fragments: 10))
        if seed.isMultiple(of: 5) {
            _ = endpoint.close()
        }
        feed(wire, to: &endpoint, &generator)
    }
}
