// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Testing

struct HubAddressTests {
    struct Case: Sendable {
        var text: String
        var description: String
        var port: Int
        var isSecure = false
        var host = "h"
        var prefix = ""
    }

    @Test(arguments: [
        Case(text: "http://h", description: "http://h", port: 80),
        Case(text: "HTTP://h/", description: "http://h", port: 80),
        Case(text: "ws://h:8080/ws", description: "http://h:8080", port: 8080),
        Case(text: "ws://h:8080/ws/", description: "http://h:8080", port: 8080),
        Case(text: "wss://h/ws", description: "https://h", port: 443, isSecure: true),
        Case(text: "https://h:443/tape", description: "https://h/tape", port: 443, isSecure: true, prefix: "/tape"),
        Case(text: "wss://h/tape/ws", description: "https://h/tape", port: 443, isSecure: true, prefix: "/tape"),
        Case(text: "http://[::1]:8080", description: "http://[::1]:8080", port: 8080, host: "::1"),
    ])
    func addressesAreRead(_ expected: Case) throws {
        let address = try HubAddress(expected.text)
        #expect(address.description == expected.description)
        #expect(address.port == expected.port)
        #expect(address.isSecure == expected.isSecure)
        #expect(address.host == expected.host)
        #expect(address.prefix == expected.prefix)
    }

    @Test(arguments: [
        "", "h", "127.0.0.1:8080", "ftp://h", "http://", "http://:80", "http://h:0", "http://h:65536", "http://h:x",
        "http://u:p@h", "http://h?x=1", "http://h#x", "http://h /", "http://[::1", "http://[::1]x",
    ])
    func othersAreNot(_ text: String) {
        #expect(throws: HubAddress.Invalid.self) { try HubAddress(text) }
    }
}
