// SPDX-License-Identifier: Apache-2.0

import Hub
import HubTestSupport
import Server
import Testing

/// Who may use the operators' port from a browser, and by which names.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct AdminGuardTests {
    @Test(arguments: [
        ("127.0.0.1:8081", true), ("10.1.2.3", true), ("[::1]:8081", true), ("localhost:8081", true), ("hub-1", true),
        ("LOCALHOST", true), ("broadtape.ns.svc.cluster.local:8081", true), ("broadtape-0.broadtape.ns.svc", true),
        ("db.internal.", true), ("ops.example.com:8081", true), ("OPS.example.com.", true), ("evil.example.com", false),
        ("ops.example.com.evil.net", false), ("127.0.0.1.evil.net", false), ("local", true), ("notlocal.com", false),
        ("", false), (":8081", false), ("a.b:80:80", false), ("[::1", false), ("[evil.net]:80", false),
        ("user@ops.example.com", false), ("ops.example.com:80a", false), (".", false),
    ])
    func onlyNamesThatNoStrangerCanOwnAreTaken(_ authority: String, _ isAllowed: Bool) {
        #expect(AdminHosts(["ops.example.com"]).allow(authority) == isAllowed)
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
