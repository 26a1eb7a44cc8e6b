// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import SQLiteStore
import TestSupport
import Testing

/// `ETag` and `If-None-Match`.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct ConditionalTests {
    private static func rate(_ rate: Int, _ key: String = "A") -> String {
        #"{"type":"rateChange","key":"\#(key)","id":"r-\#(key)-\#(rate)","data":{"rate":"\#(rate)"}}"#
    }

    private static func balance(_ balance: Int) -> String {
        #"{"type":"balanceUpdate","id":"b-\#(balance)","data":{"userId":"u_42","balance":"\#(balance)"}}"#
    }

    private static func conditional(_ target: String, _ tag: String, _ token: String?) -> Request {
        Request("GET", target, token: token, fields: [("If-None-Match", tag)])
    }

    @Test(arguments: [
        ("/channels/rateChange:A", "public, no-cache", false),
        ("/channels/rateChange:A/events", "public, no-cache", false),
        ("/channels/rateChange:A/events?after=1&limit=5", "public, no-cache", false),
        ("/rate?pair=A", "public, no-cache", true), ("/channels/balanceUpdate:u_42", "private, no-cache", false),
        ("/channels/balanceUpdate:u_42/events", "private, no-cache", false), ("/wallets", "private, no-cache", false),
        ("/wallets/default%3AUSD", "private, no-cache", false), ("/transactions", "private, no-cache", false),
    ])
    func whatStandsIsToldInAFewBytes(_ target: String, _ keeping: String, _ isWeak: Bool) async throws {
        try await withTemporaryFolder { folder in
            try await withServer(tape: try await SQLiteTape(path: folder + "/tape.db")) { server in
                let token = try await server.tokens.user("u_42")
                try await server.publish(Self.rate(1), Self.rate(2), Self.balance(1))
                var target = target
                if target.hasPrefix("/wallets/") {
                    let wallets = try await server.request(.get("/wallets", token: token)).json()
                    let id = try #require(wallets["wallets"]?.elements.first { _ in true }?["id"]?.string)
                    target = "/wallets/" + id
                }
                let first = try await server.request(.get(target, token: token))
                #expect(first.status == 200, "\(first.text)")
                let tag = try #require(first.fields["etag"])
                #expect(tag.hasPrefix("W/") == isWeak)
                #expect(first.fields["cache-control"] == keeping)
                #expect((first.fields["vary"] == nil) == keeping.hasPrefix("public"))
                for field in [tag, "\"x\", \(tag)", "W/" + tag.replacing("W/", with: ""), "*"] {
                    let again = try await server.request(Self.conditional(target, field, token))
                    #expect(again.status == 304, "\(field)")
                    #expect(again.fields["etag"] == tag)
                    #expect(again.fields["cache-control"] == keeping)
                    #expect(again.body.isEmpty)
                }
                let other = try await server.request(Self.conditional(target, "\"x\"", token))
                #expect(other.status == 200)
                if !isWeak { #expect(other.body == first.body) }
                let head = try await server.request(Request("HEAD", target, token: token))
                #expect(head.status == 200)
                #expect(head.fields["etag"] == tag)
                try await server.publish(Self.rate(3), Self.balance(2))
                let changed = try await server.request(Self.conditional(target, tag, token))
                // There are no transactions here, so nothing has changed about them.
                #expect(changed.status == (target == "/transactions" ? 304 : 200))
            }
        }
    }

    @Test
    func aTagThatIsNotTheCallersHelpsNobody() async throws {
        try await withServer { server in
            let token = try await server.tokens.user("u_42")
            let tag = try #require(
                try await server.request(.get("/channels/balanceUpdate:u_42", token: token)).fields["etag"]
            )
            let stranger = try await server.tokens.user("u_7")
            try await server.request(Self.conditional("/channels/balanceUpdate:u_42", tag, stranger))
                .expectProblem(403, "forbidden")
            try await server.request(Self.conditional("/channels/balanceUpdate:u_42", "*", nil))
                .expectProblem(401, "not_authenticated")
            try await server.request(Self.conditional("/channels/rateChange:A/events?after=9", "*", nil))
                .expectProblem(410, "cursor_expired")
        }
    }

    /// Retention changes what a page has.
    @Test
    func aTagEndsWithWhatItNamed() async throws {
        var setup = Setup()
        var type = try #require(setup.hub.types["rateChange"])
        type.retention = .seconds(60)
        setup.hub.types = EventTypes(declared: [type])
        try await withServer(setup) { server in
            try await server.publish(Self.rate(1), Self.rate(2))
            let target = "/channels/rateChange:A/events"
            let tag = try #require(try await server.request(.get(target)).fields["etag"])
            await server.hub.prune(now: Timestamp.now.advanced(by: .seconds(3600)))
            let answer = try await server.request(Self.conditional(target, tag, nil))
            #expect(answer.status == 200)
            #expect(answer.fields["etag"] != tag)
        }
    }
}
