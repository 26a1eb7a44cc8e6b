// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(1)))
struct ReadingTests {
    private static func rate(_ rate: Int, _ key: String = "BTC/USDT") -> String {
        #"{"type":"rateChange","key":"\#(key)","id":"r-\#(rate)","time":"2026-11-20T16:00:00Z","data":{"rate":"\#(rate)"}}"#
    }

    private static func balance(_ user: String, _ currency: String, _ balance: Int) -> String {
        #"{"type":"balanceUpdate","id":"b-\#(balance)","time":"2026-11-20T16:00:00Z","#
            + #""data":{"userId":"\#(user)","currency":"\#(currency)","balance":"\#(balance)"}}"#
    }

    @Test(arguments: [
        "/channels/rateChange:BTC/USDT", "/channels/rateChange:BTC%2FUSDT", "/channels/rateChange%3ABTC%2fUSDT",
    ])
    func aChannelIsFoundHoweverItsSlashIsWritten(_ target: String) async throws {
        try await withServer { server in
            try await server.publish(Self.rate(1), Self.rate(2))
            let answer = try await server.request(.get(target))
            #expect(answer.status == 200, "\(answer.text)")
            let channel = try answer.json()
            #expect(channel["head"]?.integer(in: .seq) == 2)
            #expect(channel["first"]?.integer(in: .seq) == 1)
            #expect(channel["epoch"]?.string?.isEmpty == false)
            #expect(
                channel["latest"]?.written
                    == #"{"seq":2,"id":"r-2","time":"2026-11-20T16:00:00Z","data":{"rate":"2"}}"#
            )
            let events = try await server.request(.get(target + "/events")).json()
            #expect(events["events"]?.elements.map { $0["id"]?.string } == ["r-1", "r-2"])
            #expect(events["next"]?.integer(in: .seq) == 2)
        }
    }

    @Test
    func aKeyThatEndsInEventsCanBeRead() async throws {
        try await withServer { server in
            try await server.publish(Self.rate(1, "A/events"), Self.rate(2, "A"))
            let state = try await server.request(.get("/channels/rateChange:A%2Fevents")).json()
            #expect(state["latest"]?["id"]?.string == "r-1")
            let events = try await server.request(.get("/channels/rateChange:A%2Fevents/events")).json()
            #expect(events["events"]?.elements.map { $0["id"]?.string } == ["r-1"])
        }
    }

    @Test
    func anEmptyChannelIsNotAnError() async throws {
        try await withServer { server in
            let answer = try await server.request(.get("/channels/rateChange:NEW"))
            #expect(answer.status == 200)
            let channel = try answer.json()
            #expect(channel["head"]?.integer(in: .seq) == 0)
            #expect(channel["first"]?.integer(in: .seq) == 1)
            #expect(channel["latest"]?.isNull == true)
            let events = try await server.request(.get("/channels/rateChange:NEW/events?after=0")).json()
            #expect(events["events"]?.count == 0)
            #expect(events["next"]?.integer(in: .seq) == 0)
        }
    }

    @Test
    func everyWalletOfABalanceIsTold() async throws {
        try await withServer { server in
            try await server.publish(
                Self.balance("u_42", "USD", 1),
                Self.balance("u_42", "EUR", 2),
                Self.balance("u_42", "USD", 3)
            )
            let token = try await server.tokens.user("u_42")
            let channel = try await server.request(.get("/channels/balanceUpdate:u_42", token: token)).json()
            #expect(channel["latest"]?["id"]?.string == "b-3")
            let slots = try #require(channel["slots"])
            #expect(Set(slots.names) == ["USD", "EUR"])
            #expect(slots["USD"]?["seq"]?.integer(in: .seq) == 3)
            #expect(slots["EUR"]?["seq"]?.integer(in: .seq) == 2)
        }
    }

    @Test(arguments: [1, 3, 10, 1000])
    func pagesFollowOneAnotherToTheEnd(_ limit: Int) async throws {
        try await withServer { server in
            for rate in 1...10 { try await server.publish(Self.rate(rate)) }
            var after = 0
            var seen: [Int] = []
            var pages = 0
            while true {
                let target = "/channels/rateChange:BTC/USDT/events?after=\(after)&limit=\(limit)"
                let page = try await server.request(.get(target)).json()
                let events = try #require(page["events"]?.elements.compactMap { $0["seq"]?.integer(in: .seq) })
                #expect(events.count <= limit)
                let next = try #require(page["next"]?.integer(in: .seq))
                #expect(next == events.last ?? after)
                guard !events.isEmpty else { break }
                seen += events
                after = next
                pages += 1
            }
            #expect(seen == Array(1...10))
            #expect(pages == (10 + limit - 1) / limit)
        }
    }

    @Test
    func cursorsThatCannotBeServedAreRefused() async throws {
        var setup = Setup()
        var type = try #require(setup.hub.types["rateChange"])
        type.retention = .seconds(60)
        setup.hub.types = EventTypes(declared: [type])
        try await withServer(setup) { server in
            for rate in 1...5 { try await server.publish(Self.rate(rate)) }
            await server.hub.prune(now: Timestamp.now.advanced(by: .seconds(3600)))
            let events = "/channels/rateChange:BTC/USDT/events"
            try await server.request(.get(events + "?after=6")).expectProblem(410, "cursor_expired")
            try await server.request(.get(events + "?after=0")).expectProblem(410, "cursor_expired")
            try await server.request(.get(events + "?after=3")).expectProblem(410, "cursor_expired")
            let rest = try await server.request(.get(events + "?after=4")).json()
            #expect(rest["events"]?.elements.map { $0["seq"]?.integer(in: .seq) } == [5])
            #expect(rest["first"]?.integer(in: .seq) == 5)
            let all = try await server.request(.get(events)).json()
            #expect(all["events"]?.elements.map { $0["seq"]?.integer(in: .seq) } == [5])
            let end = try await server.request(.get(events + "?after=5")).json()
            #expect(end["events"]?.count == 0)
            #expect(end["next"]?.integer(in: .seq) == 5)
        }
    }

    @Test(arguments: [
        "after=-1", "after=x", "after=1.5", "after=99999999999999999999", "limit=0", "limit=1001", "limit=", "limit=-1",
    ])
    func numbersOutOfRangeAreRefused(_ query: String) async throws {
        try await withServer { server in
            try await server.request(.get("/channels/rateChange:A/events?" + query)).expectProblem(400, "bad_request")
        }
    }

    @Test(arguments: [
        ("/channels/nocolon", 400, "bad_request"), ("/channels/:A", 400, "bad_request"),
        ("/channels/rateChange:", 400, "bad_request"), ("/channels/rateChange:%00", 400, "bad_request"),
        ("/channels/noSuchType:A", 404, "unknown_type"), ("/channels/noSuchType:A/events", 404, "unknown_type"),
    ])
    func channelsThatCannotBeAreRefused(_ target: String, _ status: Int, _ code: String) async throws {
        try await withServer { server in
            try await server.request(.get(target)).expectProblem(status, code)
        }
    }

    @Test(arguments: [
        "/channels/balanceUpdate:u_42", "/channels/balanceUpdate:u_42/events", "/channels/transactionUpdate:u_42",
    ])
    func aPrivateChannelIsForItsOwner(_ target: String) async throws {
        try await withServer { server in
            try await server.publish(Self.balance("u_42", "USD", 1))
            let anonymous = try await server.request(.get(target))
            try anonymous.expectProblem(401, "not_authenticated")
            #expect(anonymous.fields["www-authenticate"]?.hasPrefix("Bearer") == true)
            for subject in ["u_77", "u_4", "u_422", "U_42"] {
                let token = try await server.tokens.user(subject, "publish:*", "read:rateChange")
                try await server.request(.get(target, token: token)).expectProblem(403, "forbidden")
            }
            let expired = try await server.tokens.user("u_42", for: .seconds(-1))
            try await server.request(.get(target, token: expired)).expectProblem(401, "token_expired")
            let owner = try await server.tokens.user("u_42")
            #expect(try await server.request(.get(target, token: owner)).status == 200)
            let auditor = try await server.tokens.user("auditor", "read:*")
            #expect(try await server.request(.get(target, token: auditor)).status == 200)
        }
    }

    @Test
    func nothingIsPublicWhenTheOperatorSaysSo() async throws {
        var setup = Setup()
        setup.hub.allowsAnonymousReading = false
        try await withServer(setup) { server in
            try await server.publish(Self.rate(1))
            try await server.request(.get("/channels/rateChange:BTC/USDT")).expectProblem(401, "not_authenticated")
            #expect(try await server.request(.get("/channels")).json()["channels"]?.count == 0)
            let token = try await server.tokens.user("u_42")
            #expect(try await server.request(.get("/channels/rateChange:BTC/USDT", token: token)).status == 200)
        }
    }

    @Test
    func aTapeThatCannotBeReadIsToldAsSuch() async throws {
        try await withServer { server in
            try await server.publish(Self.rate(1))
            server.tape.fail(.latest, .before(.unavailable("the disk: /secret/place")))
            server.tape.fail(.page, .before(.unavailable("the disk: /secret/place")))
            for target in ["/channels/rateChange:BTC/USDT", "/channels/rateChange:BTC/USDT/events?after=0"] {
                let refused = try await server.request(.get(target))
                try refused.expectProblem(503, "unavailable")
                #expect(refused.fields["retry-after"] != nil)
                #expect(!refused.text.contains("secret"))
                #expect(try await server.request(.get(target)).status == 200)
            }
        }
    }
}
