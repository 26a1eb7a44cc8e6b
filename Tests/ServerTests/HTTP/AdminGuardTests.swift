// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Server
import TestSupport
import Testing

/// Who may use the operators' port from a browser, and by which names.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct AdminGuardTests {
    @Test(arguments: [
        // This machine's own addresses, and the one that the request came to.
        ("127.0.0.1:8081", true), ("127.8.8.8", true), ("[::1]:8081", true), ("[::ffff:127.0.0.1]", true),
        ("localhost:8081", true), ("LOCALHOST.", true), ("localhost:", true), ("10.1.2.3", true),
        ("[::ffff:10.1.2.3]:8081", true),
        // What the operator has listed.
        ("ops.example.com:8081", true), ("OPS.example.com.", true), ("hub-1", true), ("10.9.9.9:1", true),
        ("[fd00::9]", true), ("[FD00:0::9]:8081", true),
        // Names that look private are whose they are.
        ("evil.local", false), ("ai.", false), ("ai", false), ("local", false), ("hub-2", false),
        ("a.localhost", false),
        ("broadtape.ns.svc.cluster.local:8081", false), ("db.internal.", false), ("evil.example.com", false),
        ("ops.example.com.evil.net", false), ("127.0.0.1.evil.net", false), ("evil.ops.example.com", false),
        // Other addresses, and wildcard addresses.
        ("10.1.2.4", false), ("[fd00::8]", false), ("0.0.0.0:8081", false), ("[::]:8081", false), ("0", false),
        ("127.1", false), ("2130706433", false), ("0x7f000001", false),
        // What is no authority.
        ("", false), (":8081", false), ("a.b:80:80", false), ("[::1", false), ("[evil.net]:80", false),
        ("[127.0.0.1]evil", false), ("user@ops.example.com", false), ("ops.example.com:80a", false), (".", false),
        ("localhost..", false), ("localhost:123456", false), ("localhost, evil.net", false), ("::1", false),
        ("localhost\u{0}", false), ("\u{212A}ocalhost", false), ("localhost/", false), ("[localhost]", false),
    ])
    func onlyExactNamesAreTaken(_ authority: String, _ isAllowed: Bool) throws {
        let hosts = AdminHosts(["ops.example.com", "hub-1", "10.9.9.9", "fd00::9", "0.0.0.0", "::"])
        let local = try SocketAddress(ipAddress: "10.1.2.3", port: 8081)
        #expect(hosts.allow(authority, at: local) == isAllowed)
    }

    @Test(arguments: [
        ("ops.example.com", true), ("hub-1", true), ("10.9.9.9", true), ("fd00::9", true), ("[fd00::9]", true),
        ("ops.example.com:80", false), ("http://ops", false), ("a@b", false), ("", false), ("ö", false),
        ("*.example.com", false), ("a.example,b.example", false), ("0.0.0.0", false), ("[::]", false), ("hub_1", true),
    ])
    func aListedNameHasNoPort(_ name: String, _ isName: Bool) {
        #expect(AdminHosts.isName(name) == isName)
    }

    /// Whatever names the port counts.
    @Test(arguments: [
        ("GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 200),
        ("GET /status HTTP/1.1\r\nHost: localhost:8081\r\n\r\n", 200),
        ("GET /status HTTP/1.1\r\nHost: evil.local\r\n\r\n", 403), ("GET /status HTTP/1.1\r\nHost: ai.\r\n\r\n", 403),
        ("GET /status HTTP/1.1\r\nHost: 10.1.2.3\r\n\r\n", 403), ("GET /status HTTP/1.1\r\nHost:\r\n\r\n", 403),
        ("GET http://127.0.0.1/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 200),
        ("GET http://evil.local/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        ("GET http://127.0.0.1/status HTTP/1.1\r\nHost: evil.local\r\n\r\n", 400),
        ("GET http://evil.local/status HTTP/1.1\r\nHost: evil.local\r\n\r\n", 403),
        ("GET http://127.0.0.1@evil.local/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        ("GET HTTP://evil.local/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        ("GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.local\r\n\r\n", 400),
        ("GET /status HTTP/1.1\r\nHost: evil.local\r\nHost: 127.0.0.1\r\n\r\n", 400),
        ("GET /status HTTP/1.1\r\n\r\n", 400), ("GET /status HTTP/1.0\r\n\r\n", 403),
    ])
    func aRequestNamesThePort(_ request: String, _ status: Int) async throws {
        var setup = Setup()
        setup.isAdmin = true
        try await withServer(setup) { server in
            let wire = try await server.connect()
            try await wire.send(request)
            let answer = try await wire.answer()
            #expect(answer.status == status, "\(answer.text)")
            await wire.close()
        }
    }

    /// A request, and whether it gets past the guard.
    private static let requests: [(Request, Bool)] = [
        // Programs.
        (Request("POST", "/drain"), true), (Request("GET", "/status"), true),
        // The page itself.
        (Request("GET", "/status", fields: [("Sec-Fetch-Site", "same-origin")]), true),
        (
            Request(
                "POST",
                "/drain",
                fields: [
                    ("Origin", "http://127.0.0.1"), ("Sec-Fetch-Site", "same-origin"), ("Broadtape-Operator", "page"),
                ]
            ), true
        ),
        // Somebody who typed the address, or followed a link to the page.
        (Request("GET", "/status", fields: [("Sec-Fetch-Site", "none"), ("Sec-Fetch-Mode", "navigate")]), true),
        (Request("GET", "/", fields: [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")]), true),
        // Pages of others.
        (Request("GET", "/status", fields: [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")]), false),
        (Request("GET", "/channels/a:b/events", fields: [("Sec-Fetch-Site", "same-site")]), false),
        (Request("POST", "/drain", fields: [("Origin", "http://evil.example")]), false),
        (Request("POST", "/drain", fields: [("Origin", "null")]), false),
        (Request("POST", "/drain", fields: [("Origin", "http://127.0.0.1:9")]), false),
        (
            Request("POST", "/drain", fields: [("Origin", "http://evil.example"), ("Broadtape-Operator", "page")]),
            false
        ),
        // Of its own origin, but not as the page does it.
        (Request("POST", "/drain", fields: [("Origin", "http://127.0.0.1")]), false),
        (Request("DELETE", "/sessions/s_1", fields: [("Sec-Fetch-Site", "same-origin")]), false),
    ]

    @Test(arguments: requests.indices)
    func pagesOfStrangersGetNothing(_ index: Int) async throws {
        let (request, isAllowed) = Self.requests[index]
        var setup = Setup()
        setup.isAdmin = true
        try await withServer(setup) { server in
            let answer = try await server.request(request)
            if isAllowed {
                #expect(answer.status < 300, "\(answer.text)")
            } else {
                try answer.expectProblem(403, "forbidden")
                #expect(server.drainOrders.value.isEmpty)
            }
        }
    }

    @Test func aBrowserSendsJSONOnly() async throws {
        var setup = Setup()
        setup.isAdmin = true
        try await withServer(setup) { server in
            let fields = [("Origin", "http://127.0.0.1"), ("Broadtape-Operator", "page")]
            let body = #"{"subject":"u_1"}"#
            for (type, status) in [
                ("text/plain", 415), ("application/x-www-form-urlencoded", 415), ("application/json", 201),
            ] {
                let request = Request("POST", "/revocations", fields: fields + [("Content-Type", type)], body: body)
                let answer = try await server.request(request)
                #expect(answer.status == status, "\(type)")
            }
        }
    }

    /// Monitoring goes by whatever name it likes.
    @Test(arguments: [("/metrics", 200), ("/health/live", 200), ("/status", 403), ("/", 403), ("/audit", 403)])
    func anotherNameReachesTheFiguresOnly(_ path: String, _ status: Int) async throws {
        var setup = Setup()
        setup.isAdmin = true
        try await withServer(setup) { server in
            let wire = try await server.connect()
            try await wire.send(Request.get(path).text.replacing("Host: 127.0.0.1", with: "Host: evil.example.com"))
            #expect(try await wire.answer().status == status)
            await wire.close()
        }
    }
}
