// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(1)))
struct AdminTests {
    private func withAdmin(
        _ body: (TestServer, ScriptedFanInSource, RecordingFanInStore) async throws -> Void
    ) async throws {
        let (source, store) = (ScriptedFanInSource(), RecordingFanInStore())
        var setup = Setup()
        setup.isAdmin = true
        setup.fanIn = FanInPorts(source: source, store: store)
        setup.hub.fanIn.keeping = .milliseconds(5)
        try await withServer(setup) { server in
            try await source.wait(forListeners: 1)
            try await body(server, source, store)
        }
    }

    @Test
    func whatWasSetAsideCanBeLookedAt() async throws {
        try await self.withAdmin { server, source, store in
            source.send("rate.x", #"{"a":"<b>"#)
            source.send(FanInMessage(channel: "rate.y", payload: [0xFF, 0x22, 0x00]))
            try await store.wait(for: "two letters") { $0.deadLetters.count == 2 }
            let deadLetters = try await server.request(.get("/dead-letters")).json()["letters"]
            #expect(deadLetters?.elements.map { $0["channel"]?.string } == ["rate.y", "rate.x"])
            #expect(deadLetters?.elements.map { $0["payload"]?.string } == ["\u{FFFD}\"\u{0}", #"{"a":"<b>"#])
            #expect(deadLetters?.elements.allSatisfy { $0["reason"]?.string?.isEmpty == false } == true)
            let one = try await server.request(.get("/dead-letters?limit=1")).json()["letters"]
            #expect(one?.count == 1)
            for limit in ["0", "1001", "x", "-1", ""] {
                try await server.request(.get("/dead-letters?limit=\(limit)")).expectProblem(400, "bad_request")
            }
            store.fail(.unavailable("away"))
            let refused = try await server.request(.get("/dead-letters"))
            try refused.expectProblem(503, "unavailable")
            #expect(refused.fields["retry-after"] != nil)
        }
    }

    @Test
    func theStatusTellsOfItsSources() async throws {
        try await self.withAdmin { server, source, store in
            source.send("rate.x", #"{"type":"rateChange","key":"A","sourceSeq":7,"data":{"rate":"1"}}"#)
            try await store.wait(for: "the mark") { $0.marks["rate.x"] != nil }
            server.hub.sources.report(
                SourceReport(
                    name: "chain:main",
                    types: ["chainEvent"],
                    state: .catchingUp,
                    position: 5,
                    head: 9,
                    events: 3,
                    lag: .milliseconds(1_500),
                    trouble: "slow"
                )
            )
            let status = try await server.request(.get("/status")).json()
            let heard = status["fanIn"]?["sources"]?.elements.first { _ in true }
            #expect(heard?["name"]?.string == "rate.x")
            #expect(heard?["seq"]?.integer(in: .seq) == 7)
            #expect(heard?["stale"]?.bool == false)
            #expect(status["fanIn"]?["leading"]?.bool == true)
            let own = try #require(status["sources"]?.elements.first { _ in true })
            #expect(own["name"]?.string == "chain:main")
            #expect(own["state"]?.string == "catchingUp")
            #expect(own["position"]?.integer(in: .seq) == 5)
            #expect(own["head"]?.integer(in: .seq) == 9)
            #expect(own["lag"]?.integer(in: .seq) == 1_500)
            #expect(own["trouble"]?.string == "slow")
            server.hub.sources.withdraw("chain:main")
        }
    }

    @Test
    func figuresOfTheFanInAreShown() async throws {
        try await self.withAdmin { server, source, store in
            source.send("rate.x", #"{"type":"rateChange","key":"A","sourceSeq":1,"data":{"rate":"1"}}"#)
            source.send("rate.x", #"{"type":"rateChange","key":"A","sourceSeq":4,"data":{"rate":"2"}}"#)
            source.send("rate.x", "?")
            try await store.wait(for: "the letter and the mark") {
                $0.deadLetters.count == 1 && $0.marks["rate.x"] != nil
            }
            let text = try await server.request(.get("/metrics")).text
            for line in [
                "broadtape_fanin_leader 1", "broadtape_fanin_messages_total 3", "broadtape_fanin_events_total 2",
                "broadtape_fanin_malformed_total 1", "broadtape_fanin_gaps_total 1", "broadtape_fanin_missing_total 2",
                "broadtape_paused 0", #"broadtape_bus_reach{reach="alone"} 1"#, #"broadtape_bus_reach{reach="cut"} 0"#,
            ] {
                #expect(text.contains("\n\(line)\n"), "\(line)")
            }
        }
    }
}
