// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import WebSocket

@Suite struct RefusalTests {
    @Test(arguments: [
        (Refusal.head(.tooLarge(limit: 8192)), 431, "Request Header Fields Too Large", "head exceeds 8192 bytes"),
        (.head(.tooManyFields(limit: 64)), 431, "Request Header Fields Too Large", "more than 64 header fields"),
        (.head(.bareLineBreak), 400, "Bad Request", "line does not end with CR LF"),
        (.head(.controlCharacter(0x16)), 400, "Bad Request", "control character 0x16 in the head"),
        (.head(.foldedField), 400, "Bad Request", "folded header line"),
        (.head(.malformedField(number: 2)), 400, "Bad Request", "header line 2 is malformed"),
        (.malformedRequestLine, 400, "Bad Request", "malformed request line"),
        (.malformedTarget, 400, "Bad Request", "malformed request target"),
        (.missing(field: "Host"), 400, "Bad Request", "missing Host"),
        (.repeated(field: "Host"), 400, "Bad Request", "repeated Host"),
        (.malformed(field: "Host"), 400, "Bad Request", "malformed Host"),
        (.body, 400, "Bad Request", "the opening handshake has no body"),
        (.httpVersion, 505, "HTTP Version Not Supported", "the opening handshake needs HTTP/1.1"),
        (.method, 405, "Method Not Allowed", "the opening handshake needs GET"),
        (.protocolVersion, 426, "Upgrade Required", "this server speaks version 13 of the WebSocket protocol"),
        (.upgradeRequired, 426, "Upgrade Required", "this resource is served over WebSocket only"),
        (.application(status: 401, reason: "no token"), 401, "Unauthorized", "no token"),
        (.application(status: 403, reason: "origin"), 403, "Forbidden", "origin"),
        (.application(status: 404, reason: "path"), 404, "Not Found", "path"),
        (.application(status: 429, reason: "rate"), 429, "Too Many Requests", "rate"),
        (.application(status: 503, reason: "draining"), 503, "Service Unavailable", "draining"),
        (.application(status: 418, reason: "tea"), 418, "", "tea"),
    ])
    func eachHasItsStatusAndMessage(refusal: Refusal, status: Int, phrase: String, message: String) {
        let response = refusal.response.text
        #expect(refusal.status == status)
        #expect(response.hasPrefix("HTTP/1.1 \(status) \(phrase)\r\n"))
        #expect(response.contains("\r\nContent-Length: \(message.utf8.count + 1)\r\n"))
        #expect(response.hasSuffix("\r\n\r\n\(message)\n"))
        #expect(response.contains("close\r\n"))
    }

    @Test(arguments: [Refusal.protocolVersion, .upgradeRequired])
    func anUpgradeIsNamed(refusal: Refusal) {
        let response = refusal.response.text
        #expect(response.contains("\r\nUpgrade: websocket\r\n"))
        #expect(response.contains("\r\nSec-WebSocket-Version: 13\r\n"))
        #expect(response.contains("\r\nConnection: Upgrade, close\r\n"))
        #expect(!response.contains("\r\nConnection: Upgrade\r\n"))
    }

    @Test func theMethodIsNamed() {
        #expect(Refusal.method.response.text.contains("\r\nAllow: GET\r\n"))
    }

    @Test func furtherFieldsAreAdded() {
        let refusal = Refusal.application(status: 401, reason: "no token")
        #expect(
            refusal.response(fields: [("WWW-Authenticate", "Bearer")]).text.contains("\r\nWWW-Authenticate: Bearer\r\n")
        )
    }
}
