// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WebSocket

@Suite struct CloseCodeTests {
    /// RFC 6455 §7.4 and the IANA registry, spelled another way than in the source.
    private let allowed: Set<UInt16> = Set(3000...4999).union([
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
    ])

    @Test func everyCodeIsAllowedOrNotAsRegistered() {
        let wrongCodes = (UInt16.min...UInt16.max).filter {
            CloseCode(rawValue: $0).isAllowedOnWire != allowed.contains($0)
        }
        #expect(wrongCodes == [])
    }
}
