// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WebSocket

@Suite struct OpcodeTests {
    @Test func controlFramesAreCloseAndPingAndPong() {
        #expect(Opcode.allCases.filter(\.isControl) == [.close, .ping, .pong])
    }
}
