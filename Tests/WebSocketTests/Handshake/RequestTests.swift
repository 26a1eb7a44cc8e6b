// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import WebSocket

/// A head that another codec has taken apart.
@Suite struct RequestTests {
    typealias Fields = [(name: String, value: String)]

    static let fields: Fields = [
        ("Host", "server.example.com"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13"),
    ]

    private func validate(_ fields: Fields, method: String = "GET", target: String = "/chat") -> Request.OnHead {
        Request.validate(method: method, target: target, fields: HeaderFields(fields))
    }

    private func accepted(_ fields: Fields, target: String = "/chat") throws -> Request {
        guard case .accepted(let request) = validate(fields, target: target) else {
            throw NotAccepted()
        }
        return request
    }

    private struct NotAccepted: Error {}

    /// Changes or removes a field of the valid request.
    private func with(_ name: String, _ value: String?) -> Fields {
        Self.fields.compactMap { field in
            field.name == name ? value.map { (name, $0) } : field
        }
    }

    @Test func theExampleOfTheStandardIsAccepted() throws {
        let request = try accepted(Self.fields)
        #expect(request.path == "/chat")
        #expect(request.query == nil)
        #expect(request.host == "server.example.com")
        #expect(request.origin == nil)
        #expect(request.subprotocols == [])
        #expect(request.extensions == [])
        #expect(request.acceptKey == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test func whatIsOfferedIsRead() throws {
        let request = try accepted(
            Self.fields + [
                ("Origin", "https://example.com"), ("Sec-WebSocket-Protocol", "chat, superchat"),
                ("Sec-WebSocket-Protocol", "third"),
                ("Sec-WebSocket-Extensions", "permessage-deflate; server_no_context_takeover"),
                ("Cookie", "a=b"),
            ]
        )
        #expect(request.origin == "https://example.com")
        #expect(request.subprotocols == ["chat", "superchat", "third"])
        #expect(request.extensions.map(\.name) == ["permessage-deflate"])
        #expect(request.fields["cookie"] == "a=b")
        #expect(request.preferredSubprotocol(among: ["third", "superchat"]) == "superchat")
        #expect(request.preferredSubprotocol(among: ["other"]) == nil)
    }

    @Test(arguments: [
        ("Upgrade", "WebSocket"), ("Upgrade", "h2c, websocket"), ("Connection", "keep-alive, upgrade"),
        ("Connection", "UPGRADE"), ("Host", "[::1]:8080"), ("Host", "127.0.0.1"), ("Host", "a_b.example:1"),
    ])
    func harmlessVariantsAreAccepted(name: String, value: String) throws {
        let request = try accepted(with(name, value))
        #expect(request.fields[name] == value)
    }

    @Test func anEmptyBodyIsNoBody() throws {
        let request = try accepted(Self.fields + [("Content-Length", "0")])
        #expect(request.path == "/chat")
    }

    @Test(
        arguments: [
            ("/", "/", nil), ("/a/b%20c", "/a/b%20c", nil), ("/a?b=c", "/a", "b=c"), ("/a?", "/a", ""),
            ("/?a?b", "/", "a?b"),
            ("http://example.com/a?b", "/a", "b"), ("HTTPS://example.com", "/", nil),
            ("http://example.com?b", "/", "b"),
        ] as [(String, String, String?)]
    )
    func targetsAreTakenApart(target: String, path: String, query: String?) throws {
        let request = try accepted(Self.fields, target: target)
        #expect(request.path == path)
        #expect(request.query == query)
    }

    @Test(arguments: ["", "chat", "*", "/a#b", "/a b", "/ä", "ftp://example.com/", "example.com:80", "?a"])
    func otherTargetsAreRefused(target: String) {
        #expect(validate(Self.fields, target: target) == .refused(.malformedTarget))
    }

    @Test(
        arguments: [
            ("Host", nil, Refusal.missing(field: "Host")),
            ("Host", "", .malformed(field: "Host")),
            ("Host", "a, b", .malformed(field: "Host")),
            ("Host", "a/b", .malformed(field: "Host")),
            ("Connection", nil, .missing(field: "Connection")),
            ("Connection", "keep-alive", .malformed(field: "Connection")),
            ("Sec-WebSocket-Key", nil, .missing(field: "Sec-WebSocket-Key")),
            ("Sec-WebSocket-Key", "short", .malformed(field: "Sec-WebSocket-Key")),
            ("Sec-WebSocket-Version", nil, .missing(field: "Sec-WebSocket-Version")),
            ("Sec-WebSocket-Version", "8", .protocolVersion),
            ("Sec-WebSocket-Version", "013", .protocolVersion),
            ("Sec-WebSocket-Version", "13, 8", .protocolVersion),
        ] as [(String, String?, Refusal)]
    )
    func wrongFieldsAreRefused(name: String, value: String?, refusal: Refusal) {
        #expect(validate(with(name, value)) == .refused(refusal))
    }

    @Test(arguments: [
        ("Host", "other", Refusal.repeated(field: "Host")),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", .repeated(field: "Sec-WebSocket-Key")),
        ("Sec-WebSocket-Version", "13", .repeated(field: "Sec-WebSocket-Version")),
        ("Content-Length", "1", .body),
        ("Content-Length", "0, 0", .body),
        ("Transfer-Encoding", "chunked", .body),
        ("Sec-WebSocket-Protocol", "a b", .malformed(field: "Sec-WebSocket-Protocol")),
        ("Sec-WebSocket-Protocol", "a, b, a", .malformed(field: "Sec-WebSocket-Protocol")),
        ("Sec-WebSocket-Extensions", "a;", .malformed(field: "Sec-WebSocket-Extensions")),
    ])
    func wrongAdditionsAreRefused(name: String, value: String, refusal: Refusal) {
        #expect(validate(Self.fields + [(name, value)]) == .refused(refusal))
    }

    @Test(arguments: ["Origin", "Authorization"])
    func someFieldsMayOccurOnce(name: String) {
        #expect(validate(Self.fields + [(name, "a"), (name, "b")]) == .refused(.repeated(field: name)))
    }

    @Test(arguments: ["POST", "HEAD", "get", "CONNECT"])
    func onlyGetIsAccepted(method: String) {
        #expect(validate(Self.fields, method: method) == .refused(.method))
    }

    @Test func otherVersionsOfHTTPAreRefused() {
        let fields = HeaderFields(Self.fields)
        #expect(Request.validate(method: "GET", target: "/", version: .other, fields: fields) == .refused(.httpVersion))
    }

    @Test(arguments: [nil, "h2c", "websockets"])
    func withoutTheUpgradeItIsNotWebSocket(upgrade: String?) {
        #expect(validate(with("Upgrade", upgrade), method: "POST") == .notWebSocket)
    }

    @Test func theResponseHasTheAcceptKey() throws {
        #expect(
            try accepted(Self.fields).accept().text == """
                HTTP/1.1 101 Switching Protocols\r
                Upgrade: websocket\r
                Connection: Upgrade\r
                Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
                \r\n
                """
        )
    }

    @Test func theResponseHasWhatWasChosen() throws {
        let request = try accepted(Self.fields + [("Sec-WebSocket-Protocol", "chat")])
        let response = request.accept(subprotocol: "chat", extensions: "x", fields: [("Server", "broadtape")]).text
        #expect(
            response.contains(
                "\r\nSec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: x\r\nServer: broadtape\r\n\r\n"
            )
        )
        #expect(!request.accept(subprotocol: "other").text.contains("other"))
    }

    @Test func noValueCanAddAField() throws {
        let response = try accepted(Self.fields).accept(fields: [("X", "a\r\nY: b")]).text
        #expect(response.hasSuffix("\r\nX: a  Y: b\r\n\r\n"))
    }
}
