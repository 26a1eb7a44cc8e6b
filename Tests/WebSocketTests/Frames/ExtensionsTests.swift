// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WebSocket

@Suite struct ExtensionsTests {
    @Test(arguments: Opcode.allCases)
    func withoutExtensionsEveryBitIsForbidden(opcode: Opcode) {
        #expect(Extensions.none.forbidden([.rsv1, .rsv2, .rsv3], on: opcode) == [.rsv1, .rsv2, .rsv3])
        #expect(Extensions.none.forbidden([], on: opcode) == [])
    }

    @Test(arguments: [Opcode.text, .binary])
    func agreedBitsMayStandOnTheFirstFrame(opcode: Opcode) {
        #expect(Extensions(messageBits: .rsv1).forbidden([.rsv1, .rsv3], on: opcode) == .rsv3)
    }

    @Test(arguments: [Opcode.continuation, .close, .ping, .pong])
    func agreedBitsMayNotStandElsewhere(opcode: Opcode) {
        #expect(Extensions(messageBits: .rsv1).forbidden(.rsv1, on: opcode) == .rsv1)
    }

    @Test func reservedBitsIgnoreTheRestOfTheByte() {
        #expect(ReservedBits(rawValue: 0xFF) == [.rsv1, .rsv2, .rsv3])
        #expect(ReservedBits(rawValue: 0x8F) == [])
    }
}
