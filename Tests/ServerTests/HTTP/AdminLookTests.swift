// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import Server
import TestSupport
import Testing

/// What operators see of sessions, channels and errors, and how they end a session.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct AdminLookTests {
    private static func admin(_ store: SharedAccessStore) -> Setup {
        var setup = Setup()
        setup.isAdmin = true
        setup.takesSockets = true
        setup.access = AccessStores(revocations: store, audit: store)
        return setup
    }

    /// The trail, newest first.
    private static func trail(_ server: TestServer) async throws -> [String] {
        let records = try await server.request(.get("/audit?limit=100")).json()["records"]
        return records?.elements.map {
            "\($0["actor"]?.string ?? "") \($0["action"]?.string ?? "") \($0["object"]?.string ?? "")"
        } ?? []
    }

    /// The port under test takes WebSockets too, which only these tests use.
    private static func socket(_ server: TestServer, _ user: String, _ channels: String...) async throws -> Socket {
        let socket = try await server.open(token: try await server.tokens.user(user))
        for channel in channels {
            try await socket.send(#"{"op":"subscribe","channel":"\#(channel)","snapshot":false}"#)
            try await socket.expect("subscribed")
        }
        return socket
    }

    @Test func sessionsAreListedPageByPage() async throws {
        try await withServer(Self.admin(SharedAccessStore())) { server in
            _ = try await Self.socket(server, "u_1", "balanceUpdate", "transactionUpdate")
            _ = try await Self.socket(server, "u_2", "balanceUpdate")
            _ = try await Self.socket(server, "u_2")
            let all = try await server.request(.get("/sessions")).json()
            let ids = all["sessions"]?.elements.compactMap { $0["id"]?.string } ?? []
            #expect(ids.count == 3 && ids == ids.sorted() && all["next"]?.isNull == true)
            var paged: [String] = []
            var after = ""
            while true {
                let page = try await server.request(.get("/sessions?limit=1&after=\(after)")).json()
                paged += page["sessions"]?.elements.compactMap { $0["id"]?.string } ?? []
                guard let next = page["next"]?.string else { break }
                after = next
            }
            #expect(paged == ids)
            let mine = try await server.request(.get("/sessions?user=u_2")).json()["sessions"]
            #expect(mine?.elements.map { $0["user"]?.string } == ["u_2", "u_2"])
            #expect(mine?.elements.compactMap { $0["subscriptions"]?.integer(in: .seq) }.sorted() == [0, 1])
            #expect(try await server.request(.get("/sessions?behind=true")).json()["sessions"]?.count == 0)
            for query in ["limit=0", "limit=1001", "behind=1", "limit="] {
                try await server.request(.get("/sessions?\(query)")).expectProblem(400, "bad_request")
            }
        }
    }

    @Test func aSessionTellsWhereItIs() async throws {
        try await withServer(Self.admin(SharedAccessStore())) { server in
            try await server.publish(#"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#)
            _ = try await Self.socket(server, "u_1", "balanceUpdate", "rateChange:A")
            let all = try await server.request(.get("/sessions")).json()["sessions"]
            let id = try #require(all?.elements.first { _ in true }?["id"]?.string)
            let session = try await server.request(.get("/sessions/\(id)")).json()
            #expect(session["user"]?.string == "u_1")
            let channels = session["channels"]?.elements.map { $0 } ?? []
            #expect(channels.map { $0["channel"]?.string } == ["balanceUpdate:u_1", "rateChange:A"])
            #expect(channels.map { $0["seq"]?.integer(in: .seq) } == [0, 1])
            #expect(channels.map { $0["head"]?.integer(in: .seq) } == [0, 1])
            #expect(channels.allSatisfy { $0["phase"]?.string == "live" })
            let first = try await server.request(.get("/sessions/\(id)?limit=1")).json()
            #expect(first["next"]?.string == "balanceUpdate:u_1")
            let second = try await server.request(.get("/sessions/\(id)?limit=1&after=balanceUpdate:u_1")).json()
            #expect(second["channels"]?.elements.map { $0["channel"]?.string } == ["rateChange:A"])
            #expect(second["next"]?.isNull == true)
            try await server.request(.get("/sessions/s_none")).expectProblem(404, "not_found")
        }
    }

    @Test func aSessionIsClosedOnceThatIsPutDown() async throws {
        let store = SharedAccessStore()
        try await withServer(Self.admin(store)) { server in
            let socket = try await Self.socket(server, "u_1")
            let all = try await server.request(.get("/sessions")).json()["sessions"]
            let id = try #require(all?.elements.first { _ in true }?["id"]?.string)
            store.fail(.unavailable("away"))
            try await server.request(Request("DELETE", "/sessions/\(id)")).expectProblem(503, "unavailable")
            #expect(await server.sessionCount() == 1)
            store.fail(nil)
            #expect(try await server.request(Request("DELETE", "/sessions/\(id)?by=anna")).status == 204)
            try await socket.expectClose(4010)
            try await server.request(Request("DELETE", "/sessions/\(id)")).expectProblem(404, "not_found")
            #expect(try await Self.trail(server) == ["anna disconnect session:\(id)"])
        }
    }

    @Test func channelsTellTheirHeadsAndSubscribers() async throws {
        try await withServer(Self.admin(SharedAccessStore())) { server in
            for key in ["A", "B", "C"] {
                try await server.publish(#"{"type":"rateChange","key":"\#(key)","data":{"rate":"1"}}"#)
            }
            try await server.publish(#"{"type":"rateChange","key":"A","data":{"rate":"2"}}"#)
            _ = try await Self.socket(server, "u_1", "rateChange:A")
            _ = try await Self.socket(server, "u_2", "rateChange:A", "rateChange:B")
            let page = try await server.request(.get("/channels?prefix=rateChange:&limit=2")).json()
            let found = page["channels"]?.elements.map { $0 } ?? []
            #expect(found.map { $0["channel"]?.string } == ["rateChange:A", "rateChange:B"])
            #expect(found.map { $0["head"]?.integer(in: .seq) } == [2, 1])
            #expect(found.map { $0["subscribers"]?.integer(in: .seq) } == [2, 1])
            #expect(page["next"]?.string == "rateChange:B")
            let rest = try await server.request(.get("/channels?prefix=rateChange:&after=rateChange:B")).json()
            #expect(rest["channels"]?.elements.map { $0["subscribers"]?.integer(in: .seq) } == [0])
            #expect(rest["next"]?.isNull == true)
        }
    }

    @Test func readingWhatIsAUsersIsPutDownFirst() async throws {
        let store = SharedAccessStore()
        try await withServer(Self.admin(store)) { server in
            for number in 1...5 {
                try await server.publish(
                    #"{"type":"balanceUpdate","key":"u_1","data":{"balance":"\#(number)"}}"#,
                    #"{"type":"rateChange","key":"A","data":{"rate":"\#(number)"}}"#
                )
            }
            let rates = try await server.request(.get("/channels/rateChange:A/events?limit=2")).json()
            #expect(rates["events"]?.elements.map { $0["seq"]?.integer(in: .seq) } == [4, 5])
            #expect(rates["head"]?.integer(in: .seq) == 5)
            #expect(try await Self.trail(server) == [])
            store.fail(.unavailable("away"))
            try await server.request(.get("/channels/balanceUpdate:u_1/events")).expectProblem(503, "unavailable")
            store.fail(nil)
            let own = try await server.request(.get("/channels/balanceUpdate%3Au_1/events?after=3&by=anna")).json()
            #expect(own["events"]?.elements.map { $0["data"]?["balance"]?.string } == ["4", "5"])
            #expect(try await Self.trail(server) == ["anna support-read balanceUpdate:u_1"])
            for target in [
                "/channels/x/events", "/channels/rateChange:A/events?limit=0", "/channels/rateChange:A/events?after=-1",
            ] {
                try await server.request(.get(target)).expectProblem(400, "bad_request")
            }
            try await server.request(.get("/channels/rateChange:A")).expectProblem(404, "not_found")
            try await server.request(.get("/none")).expectProblem(404, "not_found")
        }
    }

    @Test func theStatusCounts() async throws {
        try await withServer(Self.admin(SharedAccessStore())) { server in
            try await server.publish(#"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#)
            _ = try await Self.socket(server, "u_1", "rateChange:A")
            let status = try await server.request(.get("/status")).json()
            #expect(status["node"]?.string == "node-1")
            #expect(status["ready"]?.bool == true)
            #expect(status["connections"]?.integer(in: .seq) == 1)
            #expect(status["subscriptions"]?.integer(in: .seq) == 1)
            #expect(status["accepted"]?.integer(in: .seq) == 1)
            #expect(status["bus"]?.string == "alone")
            let commit = try #require(status["commit"])
            #expect(commit["counts"]?.elements.compactMap { $0.integer(in: .seq) }.reduce(0, +) == 1)
            #expect(commit["bounds"]?.count == (commit["counts"]?.count ?? 0) - 1)
            #expect(status["types"]?.elements.compactMap { $0["name"]?.string }.contains("rateChange") == true)
        }
    }

    @Test func refusalsAreAmongTheRecentErrorsAndAddedUp() async throws {
        try await withServer(Self.admin(SharedAccessStore())) { server in
            for _ in 1...3 {
                let socket = try await Socket.open(on: try await server.connect(), token: "nonsense")
                try await socket.expect("welcome")
                try await socket.expectError("bad_token")
                try await socket.expectClose(4501)
            }
            let errors = try await server.request(.get("/recent-errors")).json()["errors"]
            let found = errors?.elements.map { "\($0["kind"]?.string ?? "") \($0["what"]?.string ?? "")" } ?? []
            #expect(Set(found) == ["refused bad_token", "closed 4501"])
            #expect(errors?.elements.map { $0["count"]?.integer(in: .seq) } == [3, 3])
            #expect(try await server.request(.get("/recent-errors?limit=1")).json()["errors"]?.count == 1)
            try await server.request(.get("/recent-errors?limit=0")).expectProblem(400, "bad_request")
        }
    }
}
