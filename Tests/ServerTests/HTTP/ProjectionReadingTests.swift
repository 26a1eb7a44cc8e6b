// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON
import SQLiteStore
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(1)))
struct ProjectionReadingTests {
    /// A server with an SQLite tape that holds a little of everything.
    private func withRows(_ body: (TestServer, SQLiteTape) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let tape = try await SQLiteTape(path: folder + "/tape")
            try await withServer(tape: tape) { server in
                try await server.publish(
                    #"{"type":"balanceUpdate","time":"2026-11-20T16:00:00Z","data":{"userId":"u_1","balance":"007.50","version":4}}"#,
                    #"{"type":"balanceUpdate","data":{"userId":"u_1","currency":"EUR","balance":"1","walletId":"a/b é"}}"#,
                    #"{"type":"balanceUpdate","data":{"userId":"u_2","balance":"2"}}"#
                )
                for (index, (type, status)) in [
                    ("deposit", "new"), ("deposit", "done"), ("withdrawal", "done"), ("trade", "new"), ("p2p", "done"),
                ].enumerated() {
                    let more =
                        switch type {
                        case "trade": #","pair":"BTC/USDT","side":"buy","price":"10.0""#
                        case "p2p": #","userId":"u_1","recipientId":"u_2","currency":"CHF""#
                        default: ""
                        }
                    try await server.publish(
                        #"{"type":"transactionUpdate","id":"t\#(index)","keys":["u_1","u_2"],"time":"2026-11-20T16:00:0\#(index)Z","#
                            + #""data":{"type":"\#(type)","amount":"\#(index)","status":"\#(status)"\#(more)}}"#
                    )
                }
                try await body(server, tape)
            }
        }
    }

    @Test func walletsOfTheCaller() async throws {
        try await self.withRows { server, _ in
            let token = try await server.tokens.user("u_1")
            let answer = try await server.request(.get("/wallets", token: token))
            #expect(answer.status == 200)
            let page = try answer.json()
            #expect(page["user"]?.string == "u_1")
            #expect(page["next"]?.isNull == true)
            let wallets = try #require(page["wallets"]).elements.map { $0 }
            #expect(wallets.map { $0["id"]?.string } == ["CHF", "USD", "a/b é"])
            #expect(
                wallets[0].written
                    == #"{"id":"CHF","currency":"CHF","balance":null,"available":null,"version":null,"updatedAt":null,"seq":null}"#
            )
            #expect(
                wallets[1].written
                    == #"{"id":"USD","currency":"USD","balance":"7.50","available":null,"version":4,"#
                    + #""updatedAt":"2026-11-20T16:00:00Z","seq":1}"#
            )
            let first = try await server.request(.get("/wallets?limit=2", token: token)).json()
            #expect(first["wallets"]?.elements.map { $0["id"]?.string } == ["CHF", "USD"])
            #expect(first["next"]?.string == "USD")
            let rest = try await server.request(.get("/wallets?limit=2&after=USD", token: token)).json()
            #expect(rest["wallets"]?.elements.map { $0["id"]?.string } == ["a/b é"])
            #expect(rest["next"]?.isNull == true)
        }
    }

    @Test func oneWallet() async throws {
        try await self.withRows { server, _ in
            let token = try await server.tokens.user("u_1")
            let answer = try await server.request(.get("/wallets/a%2Fb%20%C3%A9", token: token))
            #expect(answer.status == 200)
            #expect(
                try answer.json().names == [
                    "user", "id", "currency", "balance", "available", "version", "updatedAt", "seq",
                ]
            )
            #expect(try answer.json()["currency"]?.string == "EUR")
            for id in ["EUR", "%00", "x/y"] {
                try await server.request(.get("/wallets/" + id, token: token)).expectProblem(404, "not_found")
            }
            let other = try await server.tokens.user("u_2")
            try await server.request(.get("/wallets/a%2Fb%20%C3%A9", token: other)).expectProblem(404, "not_found")
        }
    }

    private func ids(_ server: TestServer, _ query: String, _ token: String) async throws -> [String?] {
        var ids: [String?] = []
        var after: String?
        repeat {
            let target = "/transactions?limit=2&" + query + (after.map { "&after=" + $0 } ?? "")
            let answer = try await server.request(.get(target, token: token))
            #expect(answer.status == 200, "\(answer.text)")
            let page = try answer.json()
            let transactions = try #require(page["transactions"])
            #expect(transactions.count <= 2)
            ids += transactions.elements.map { $0["id"]?.string }
            after = page["next"]?.string
        } while after != nil
        return ids
    }

    @Test func transactionsNewestFirst() async throws {
        try await self.withRows { server, _ in
            let token = try await server.tokens.user("u_1")
            #expect(try await self.ids(server, "", token) == ["t4", "t3", "t2", "t1", "t0"])
            #expect(try await self.ids(server, "type=deposit", token) == ["t1", "t0"])
            #expect(try await self.ids(server, "status=done", token) == ["t4", "t2", "t1"])
            #expect(try await self.ids(server, "status=done&type=deposit", token) == ["t1"])
            #expect(try await self.ids(server, "wallet=USD", token) == ["t3", "t2", "t1", "t0"])
            #expect(try await self.ids(server, "wallet=CHF&status=done", token) == ["t4"])
            #expect(try await self.ids(server, "wallet=none", token) == [])
            let page = try await server.request(.get("/transactions?limit=2", token: token)).json()
            let transactions = try #require(page["transactions"]).elements.map { $0 }
            #expect(
                transactions[0].written
                    == #"{"id":"t4","type":"p2p","amount":"4","status":"done","currency":"CHF","wallet":"CHF","#
                    + #""createdAt":"2026-11-20T16:00:04Z","updatedAt":"2026-11-20T16:00:04Z","seq":5,"#
                    + #""transfer":{"recipient":"u_2","wallet":"CHF"}}"#
            )
            #expect(
                transactions[1]["trade"]?.written
                    == #"{"pair":"BTC/USDT","side":"buy","price":"10.0","filledAmount":null}"#
            )
        }
    }

    @Test func othersNeedTheScope() async throws {
        try await self.withRows { server, _ in
            let stranger = try await server.tokens.user("u_2", "publish:*")
            let auditor = try await server.tokens.user("auditor", "read:balanceUpdate")
            let reader = try await server.tokens.user("reader", "read:*")
            for target in ["/wallets", "/wallets/USD", "/transactions"] {
                let other = target + "?user=u_1"
                try await server.request(.get(target)).expectProblem(401, "not_authenticated")
                try await server.request(.get(other)).expectProblem(401, "not_authenticated")
                try await server.request(.get(target, token: "x.y.z")).expectProblem(401, "bad_token")
                try await server.request(.get(other, token: stranger)).expectProblem(403, "forbidden")
                #expect(try await server.request(.get(target + "?user=u_2", token: stranger)).status == 200)
                let answer = try await server.request(.get(other, token: reader))
                #expect(try answer.json()["user"]?.string == "u_1")
            }
            #expect(try await server.request(.get("/wallets?user=u_1", token: auditor)).status == 200)
            try await server.request(.get("/transactions?user=u_1", token: auditor)).expectProblem(403, "forbidden")
            // A user without wallets has an empty list.
            #expect(try await server.request(.get("/wallets", token: auditor)).json()["wallets"]?.count == 0)
        }
    }

    @Test(arguments: [
        "/wallets?limit=0", "/wallets?limit=1001", "/wallets?limit=x", "/wallets?after=", "/wallets?after=%00",
        "/wallets?user=", "/wallets?user=%0A", "/transactions?limit=-1", "/transactions?after=x",
        "/transactions?after=1.%00", "/transactions?type=", "/transactions?status=%7F",
        "/transactions?wallet=" + String(repeating: "x", count: 257), "/rate?pair=", "/rate?pair=%00",
        "/rate?pair=A&pair=",
        "/rate?limit=0", "/rate?after=%00", "/rate?" + String(repeating: "pair=A&", count: 101),
    ])
    func parametersAreChecked(_ target: String) async throws {
        try await self.withRows { server, _ in
            let token = try await server.tokens.user("u_1", "read:*")
            try await server.request(.get(target, token: token)).expectProblem(400, "bad_request")
        }
    }

    @Test func rateWithItsAge() async throws {
        try await self.withRows { server, _ in
            let none = try await server.request(.get("/rate?pair=BTC/USDT"))
            #expect(none.status == 200)
            #expect(
                try none.json().written
                    == #"{"pair":"BTC/USDT","rate":null,"bid":null,"ask":null,"exchange":null,"time":null,"age":null,"#
                    + #""stale":null}"#
            )
            let time = Timestamp.now.advanced(by: .seconds(-90))
            try await server.publish(
                #"{"type":"rateChange","key":"BTC/USDT","time":"\#(time)","data":{"rate":"1.10","bid":"1","exchange":"x"}}"#
            )
            let rate = try await server.request(.get("/rate?pair=BTC%2FUSDT")).json()
            #expect(rate["rate"]?.string == "1.10")
            #expect(rate["bid"]?.string == "1")
            #expect(rate["ask"]?.isNull == true)
            #expect(rate["time"]?.string == time.description)
            let age = try #require(rate["age"]?.integer(in: .seq))
            #expect((90_000..<150_000).contains(age))
            #expect(rate["stale"]?.bool == false)
            try await server.publish(
                #"{"type":"rateChange","key":"BTC/USDT","time":"2200-01-01T00:00:00Z","data":{"rate":"2"}}"#
            )
            #expect(try await server.request(.get("/rate?pair=BTC/USDT")).json()["age"]?.integer(in: .seq) == 0)
        }
    }

    @Test func severalRatesAndAll() async throws {
        try await self.withRows { server, _ in
            for pair in ["BTC/USDT", "ETH/USDT", "SOL/USDT"] {
                try await server.publish(#"{"type":"rateChange","data":{"pair":"\#(pair)","rate":"1","exchange":"x"}}"#)
            }
            func pairs(_ target: String) async throws -> [String?] {
                try #require(try await server.request(.get(target)).json()["rates"]).elements.map { $0["pair"]?.string }
            }
            #expect(try await pairs("/rate?pair=SOL/USDT&pair=X/Y&pair=BTC/USDT") == ["SOL/USDT", "X/Y", "BTC/USDT"])
            #expect(try await pairs("/rate") == ["BTC/USDT", "ETH/USDT", "SOL/USDT"])
            let page = try await server.request(.get("/rate?limit=2")).json()
            #expect(page["rates"]?.count == 2)
            #expect(page["next"]?.string == "ETH/USDT")
            let rest = try await server.request(.get("/rate?limit=2&after=ETH/USDT")).json()
            #expect(rest["rates"]?.elements.map { $0["pair"]?.string } == ["SOL/USDT"])
            #expect(rest["next"]?.isNull == true)
        }
    }

    @Test func tapeThatCannotBeReadIsUnavailable() async throws {
        try await self.withRows { server, tape in
            await tape.close()
            let token = try await server.tokens.user("u_1")
            for target in ["/wallets", "/wallets/USD", "/transactions", "/rate?pair=P"] {
                let answer = try await server.request(.get(target, token: token))
                try answer.expectProblem(503, "unavailable")
                #expect(answer.fields["retry-after"] != nil)
            }
        }
    }

    @Test func tapeWithoutProjectionsHasNone() async throws {
        try await withServer { server in
            let token = try await server.tokens.user("u_1")
            for target in ["/wallets", "/wallets/USD", "/transactions", "/rate?pair=P"] {
                let answer = try await server.request(.get(target, token: token))
                try answer.expectProblem(404, "not_found")
                #expect(answer.text.contains("has no projections"))
            }
        }
    }
}
