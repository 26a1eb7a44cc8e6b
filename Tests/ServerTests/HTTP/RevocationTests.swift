// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import Server
import TestSupport
import Testing

/// Revocation by the admin port, and what clients of the public one see of it.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct RevocationTests {
    private static func admin(_ store: SharedAccessStore) -> Setup {
        var setup = Setup()
        setup.isAdmin = true
        setup.access = AccessStores(revocations: store, audit: store)
        return setup
    }

    private static func post(_ body: String) -> Request {
        Request("POST", "/revocations", fields: [("Content-Type", "application/json")], body: body)
    }

    /// In `next`, the colon precedes a value that may start with a combining character.
    @Test func anyRevocationIsGoneOnFrom() async throws {
        try await withServer(Self.admin(SharedAccessStore())) { server in
            for value in ["e\u{301}", "\u{301}", "\u{e9}", "\u{600}"] {
                #expect(try await server.request(Self.post(#"{"subject":"\#(value)"}"#)).status == 201)
            }
            var values: [[UInt8]] = []
            var after = ""
            while true {
                let page = try await server.request(.get("/revocations?limit=1" + after)).json()
                values +=
                    page["revocations"]?.elements.compactMap { $0["subject"]?.string.map { Array($0.utf8) } } ?? []
                guard let next = page["next"]?.string else { break }
                after = "&after=" + next.utf8.map { "%" + String($0, radix: 16) }.joined()
            }
            #expect(values == ["e\u{301}", "\u{e9}", "\u{301}", "\u{600}"].map { Array($0.utf8) })
        }
    }

    @Test func revocationsAreMadeListedAndLifted() async throws {
        let store = SharedAccessStore()
        try await withServer(Self.admin(store)) { server in
            let bodies = [
                #"{"tokenId":"t-1","reason":"lost phone","by":"anna"}"#,
                #"{"subject":"u 1/ü","until":"2099-01-01T00:00:00Z"}"#, #"{"session":"s_1"}"#,
            ]
            for body in bodies {
                let answer = try await server.request(Self.post(body))
                #expect(answer.status == 201, "\(answer.text)")
            }
            let all = try await server.request(.get("/revocations")).json()
            let found = all["revocations"]?.elements.map { $0 } ?? []
            #expect(
                found.map { $0["session"] ?? $0["subject"] ?? $0["tokenId"] }.map { $0?.string } == [
                    "s_1", "u 1/ü", "t-1",
                ]
            )
            #expect(found.map { $0["until"] == nil } == [false, false, true])
            #expect(found.last?["reason"]?.string == "lost phone")
            #expect(all["next"]?.isNull == true)
            let one = try await server.request(.get("/revocations?limit=2")).json()
            #expect(one["next"]?.string == "subject:u 1/ü")
            let rest = try await server.request(.get("/revocations?after=subject:u%201/%C3%BC")).json()
            #expect(rest["revocations"]?.count == 1)
            #expect(
                try await server.request(Request("DELETE", "/revocations?subject=u%201/%C3%BC&by=bob")).status == 204
            )
            try await server.request(Request("DELETE", "/revocations?subject=u_9")).expectProblem(404, "not_found")
            #expect(server.hub.revocations.list.count == 2)
            let trail = try await server.request(.get("/audit?limit=10")).json()["records"]
            #expect(
                trail?.elements.map {
                    "\($0["actor"]?.string ?? "") \($0["action"]?.string ?? "") \($0["object"]?.string ?? "")"
                }
                    == [
                        "operator lift-revocation subject:u_9", "bob lift-revocation subject:u 1/ü",
                        "operator revoke session:s_1", "operator revoke subject:u 1/ü", "anna revoke token:t-1",
                    ]
            )
        }
    }

    @Test(arguments: [
        "", "[]", "{}", "5", #"{"tokenId":""}"#, #"{"tokenId":5}"#, #"{"tokenId":"a","subject":"b"}"#,
        #"{"tokenId":"a\u0000"}"#, #"{"tokenId":"a","until":"tomorrow"}"#,
        #"{"tokenId":"a","until":"2001-01-01T00:00:00Z"}"#,
        #"{"tokenId":"\#(String(repeating: "a", count: 257))"}"#,
        #"{"tokenId":"a","reason":"\#(String(repeating: "a", count: 501))"}"#, #"{"tokenid":"a"}"#,
    ])
    func malformedRequestsRevokeNothing(_ body: String) async throws {
        let store = SharedAccessStore()
        try await withServer(Self.admin(store)) { server in
            try await server.request(Self.post(body)).expectProblem(400, "bad_request")
            #expect(server.hub.revocations.list.count == 0)
            #expect(store.value.records.isEmpty)
        }
    }

    @Test func whatCannotBeKeptIsNotSaidToStand() async throws {
        let store = SharedAccessStore()
        try await withServer(Self.admin(store)) { server in
            store.fail(.unavailable("away"))
            try await server.request(Self.post(#"{"tokenId":"a"}"#)).expectProblem(503, "unavailable")
            try await server.request(Request("DELETE", "/revocations?tokenId=a")).expectProblem(503, "unavailable")
            try await server.request(.get("/audit")).expectProblem(503, "unavailable")
            store.fail(nil)
            for target in [
                "/audit?limit=0", "/audit?before=x", "/audit?action=x", "/revocations?limit=x", "/revocations?after=x",
            ] {
                try await server.request(.get(target)).expectProblem(400, "bad_request")
            }
            #expect(server.hub.revocations.list.count == 0)
        }
    }

    @Test func clientsAreClosedAndRefused() async throws {
        try await withServer { server in
            let token = try await server.tokens.user("u_42")
            let publisher = try await server.tokens.publisher()
            let socket = try await server.open(token: token)
            let other = try await server.open(token: try await server.tokens.user("u_77"))
            try await server.hub.revoke([Revocation(.subject("u_42"), time: .now)])
            try await socket.expectClose(4502)
            try await server.request(.get("/channels", token: token)).expectProblem(401, "revoked")
            for isInUpgrade in [true, false] {
                let late = try await Socket.open(on: try await server.connect(), token: isInUpgrade ? token : nil)
                try await late.expect("welcome")
                if !isInUpgrade { try await late.send(#"{"op":"auth","token":"\#(token)"}"#) }
                try await late.expectError("revoked")
                try await late.expectClose(4502)
            }
            try await other.send(#"{"op":"ping"}"#)
            try await other.expect("pong")
            let balance = #"{"type":"balanceUpdate","key":"u","data":{"balance":"1"}}"#
            #expect(try await server.request(.post(balance, token: publisher)).status == 200)
        }
    }
}
