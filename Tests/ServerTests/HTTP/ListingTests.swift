// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@Suite(.serialized, .timeLimit(.minutes(1)))
struct ListingTests {
    private static let users = ["u_1", "u_2", "u_3"]
    private static let pairs = ["A/B", "C/D", "E/F"]

    private static func fill(_ server: TestServer) async throws {
        for user in Self.users {
            try await server.publish(#"{"type":"balanceUpdate","data":{"userId":"\#(user)","balance":"1"}}"#)
            try await server.publish(
                #"{"type":"transactionUpdate","key":"\#(user)","data":{"type":"p2p","amount":"1","status":"new"}}"#
            )
        }
        for pair in Self.pairs {
            for _ in 1...2 {
                try await server.publish(#"{"type":"rateChange","key":"\#(pair)","data":{"rate":"1"}}"#)
            }
        }
    }

    /// Reads the listing to its end.
    private static func list(
        _ server: TestServer,
        prefix: String = "",
        limit: Int,
        token: String?
    ) async throws -> [String] {
        var names: [String] = []
        var after: String?
        repeat {
            let query =
                "/channels?limit=\(limit)&prefix=\(prefix)"
                + (after.map { "&after=" + $0.replacing("/", with: "%2F") } ?? "")
            let answer = try await server.request(.get(query, token: token))
            #expect(answer.status == 200, "\(answer.text)")
            let page = try answer.json()
            let channels = try #require(page["channels"]?.elements.map { $0 })
            #expect(channels.count <= limit)
            names += channels.compactMap { $0["channel"]?.string }
            after = page["next"]?.string
            // The name to continue after is visible like any other: the caller must be allowed to know it.
            if let after { #expect(names.contains(after)) }
        } while after != nil
        return names
    }

    @Test(arguments: [1, 2, 3, 4, 100])
    func onlyReadableChannelsAreListed(_ limit: Int) async throws {
        try await withServer { server in
            try await Self.fill(server)
            let rates = Self.pairs.map { "rateChange:\($0)" }
            #expect(try await Self.list(server, limit: limit, token: nil) == rates)
            let user = try await server.tokens.user("u_2", "publish:*")
            #expect(
                try await Self.list(server, limit: limit, token: user)
                    == ["balanceUpdate:u_2"] + rates + ["transactionUpdate:u_2"]
            )
            let auditor = try await server.tokens.user("auditor", "read:*")
            #expect(
                try await Self.list(server, limit: limit, token: auditor)
                    == Self.users.map { "balanceUpdate:\($0)" } + rates + Self.users.map { "transactionUpdate:\($0)" }
            )
        }
    }

    @Test(arguments: [
        ("rateChange:", ["rateChange:A/B", "rateChange:C/D", "rateChange:E/F"]), ("rateChange:C", ["rateChange:C/D"]),
        ("balanceUpdate:", ["balanceUpdate:u_2"]), ("ratechange", []), ("z", []), ("%25", []), ("_", []), ("*", []),
    ])
    func aPrefixNarrowsTheListing(_ prefix: String, _ names: [String]) async throws {
        try await withServer { server in
            try await Self.fill(server)
            let token = try await server.tokens.user("u_2")
            for limit in [1, 100] {
                #expect(try await Self.list(server, prefix: prefix, limit: limit, token: token) == names)
            }
        }
    }

    @Test
    func eachChannelComesWithItsExtent() async throws {
        try await withServer { server in
            try await Self.fill(server)
            let page = try await server.request(.get("/channels?limit=1")).json()
            let channel = try #require(page["channels"]?.elements.map { $0 }.first)
            let epoch = try #require(channel["epoch"]?.string)
            #expect(channel.written == #"{"channel":"rateChange:A/B","epoch":"\#(epoch)","head":2,"first":1}"#)
            #expect(page["next"]?.string == "rateChange:A/B")
            #expect(try await server.request(.get("/channels")).json()["next"]?.isNull == true)
        }
    }

    /// Names that begin with what joins the colon before them, or are the same to `String`.
    static let keys = [
        ":", "::\u{301}", "K", "a\u{600}", "e\u{301}", "\u{e9}", "\u{301}", "\u{301}/events", "\u{600}", "\u{200d}a",
        "\u{212a}",
    ].sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }

    @Test(arguments: [1, 3, 100])
    func anyKeyIsListedAndRead(_ limit: Int) async throws {
        try await withServer { server in
            for (index, key) in Self.keys.enumerated() {
                for _ in 0...index {
                    try await server.publish(#"{"type":"rateChange","key":"\#(key)","data":{"rate":"1"}}"#)
                }
            }
            var names: [[UInt8]] = []
            var after: String?
            repeat {
                let query = "/channels?limit=\(limit)" + (after.map { "&after=" + Self.escaped($0) } ?? "")
                let page = try await server.request(.get(query)).json()
                names += page["channels"]?.elements.compactMap { $0["channel"]?.string.map { Array($0.utf8) } } ?? []
                after = page["next"]?.string
            } while after != nil
            #expect(names == Self.keys.map { Array("rateChange:\($0)".utf8) })
            for (index, key) in Self.keys.enumerated() {
                let target = "/channels/rateChange:" + Self.escaped(key)
                #expect(try await server.request(.get(target)).json()["head"]?.integer(in: .seq) == index + 1)
                let events = try await server.request(.get(target + "/events")).json()
                #expect(events["events"]?.count == index + 1)
                let rate = try await server.request(.get("/channels?prefix=rateChange:" + Self.escaped(key))).json()
                #expect(rate["channels"]?.elements.contains { $0["head"]?.integer(in: .seq) == index + 1 } == true)
            }
        }
    }

    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.utf8.count == 1 ? "0" : "") + digits
        }.joined()
    }

    @Test(arguments: ["limit=0", "limit=1001", "limit=x"])
    func aLimitOutOfRangeIsRefused(_ query: String) async throws {
        try await withServer { server in
            try await server.request(.get("/channels?" + query)).expectProblem(400, "bad_request")
        }
    }

    @Test
    func aBadTokenIsNotTakenForNone() async throws {
        try await withServer { server in
            try await server.request(.get("/channels", token: "x.y.z")).expectProblem(401, "bad_token")
        }
    }
}
