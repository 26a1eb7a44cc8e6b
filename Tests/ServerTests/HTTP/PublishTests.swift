// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(1)))
struct PublishTests {
    private static let balance = #"{"type":"balanceUpdate","id":"b-1","data":{"userId":"u_42","balance":"10.50"}}"#
    private static let rate = #"{"type":"rateChange","key":"BTC/USDT","id":"r-1","data":{"rate":"97000.12"}}"#

    /// A way to write two events, and what the hub makes of it.
    struct Writing: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var contentType: String
        var body: String
        var fields: [(name: String, value: String)] = []
        /// `id channel#seq …` of each event.
        var results: [String]
    }

    private static func cloudEvent(_ id: String, subject: String, _ type: String, _ data: String) -> String {
        #"{"specversion":"1.0","id":"\#(id)","source":"/payments","type":"\#(type)","subject":"\#(subject)","data":\#(data)}"#
    }

    static let writings: [Writing] = [
        Writing(
            testDescription: "an object",
            contentType: "application/json",
            body: Self.balance,
            results: ["b-1 balanceUpdate:u_42#1"]
        ),
        Writing(
            testDescription: "an object, with a character set",
            contentType: "Application/JSON; charset=utf-8",
            body: "\r\n " + Self.balance + "\n",
            results: ["b-1 balanceUpdate:u_42#1"]
        ),
        Writing(
            testDescription: "an array",
            contentType: "application/json",
            body: "[\(Self.balance), \(Self.rate)]",
            results: ["b-1 balanceUpdate:u_42#1", "r-1 rateChange:BTC/USDT#1"]
        ),
        Writing(
            testDescription: "lines, some blank, the last without its end",
            contentType: "application/x-ndjson",
            body: "\n\(Self.balance)\r\n  \t\r\n\n\(Self.rate)",
            results: ["b-1 balanceUpdate:u_42#1", "r-1 rateChange:BTC/USDT#1"]
        ),
        Writing(
            testDescription: "a structured CloudEvent",
            contentType: "application/cloudevents+json; charset=UTF-8",
            body: Self.cloudEvent("b-1", subject: "u_42", "balanceUpdate", #"{"balance":"1"}"#),
            results: ["b-1 balanceUpdate:u_42#1"]
        ),
        Writing(
            testDescription: "a batch of CloudEvents",
            contentType: "application/cloudevents-batch+json",
            body: "["
                + Self.cloudEvent("b-1", subject: "u_42", "balanceUpdate", #"{"balance":"1"}"#) + ","
                + Self.cloudEvent("r-1", subject: "BTC/USDT", "rateChange", #"{"rate":"1"}"#) + "]",
            results: ["b-1 balanceUpdate:u_42#1", "r-1 rateChange:BTC/USDT#1"]
        ),
        Writing(
            testDescription: "a binary CloudEvent",
            contentType: "application/json",
            body: #"{"rate":"1"}"#,
            fields: [
                ("ce-specversion", "1.0"), ("ce-id", "r%201%C3%A9"), ("ce-source", "/rates"), ("CE-Type", "rateChange"),
                ("ce-subject", "BTC%2FUSDT"), ("ce-time", "2026-11-20T16:00:00Z"),
            ],
            results: ["r 1é rateChange:BTC/USDT#1"]
        ),
        Writing(
            testDescription: "a binary CloudEvent with a quoted value",
            contentType: "application/json",
            body: #"{"rate":"1"}"#,
            fields: [
                ("ce-specversion", "1.0"), ("ce-id", "r-1"), ("ce-source", "/rates"), ("ce-type", "rateChange"),
                ("ce-subject", #""BTC/USDT""#),
            ],
            results: ["r-1 rateChange:BTC/USDT#1"]
        ),
        Writing(
            testDescription: "an event with several keys",
            contentType: "application/json",
            body: #"{"type":"transactionUpdate","keys":["u_42","u_77"],"id":"t-1","#
                + #""data":{"type":"p2p","amount":"5","status":"completed"}}"#,
            results: ["t-1 transactionUpdate:u_42#1 transactionUpdate:u_77#1"]
        ),
    ]

    @Test(arguments: Self.writings)
    func everyWayOfWritingEventsIsAccepted(_ writing: Writing) async throws {
        try await withServer { server in
            let token = try await server.tokens.publisher()
            let request = Request.post(writing.body, token: token, as: writing.contentType, fields: writing.fields)
            let first = try await server.request(request)
            #expect(first.status == 200, "\(first.text)")
            #expect(try Self.results(of: first) == writing.results.map { "accepted \($0)" })
            let again = try await server.request(request)
            #expect(again.status == 200, "\(again.text)")
            #expect(try Self.results(of: again) == writing.results.map { "duplicate \($0)" })
            let positions = writing.results.flatMap { $0.split(separator: " ") }.filter { $0.contains("#") }
            #expect(try await server.heads().count == positions.count)
        }
    }

    private static func results(of answer: Answer) throws -> [String] {
        try #require(try answer.json()["results"]).elements.map { result in
            let positions = try #require(result["positions"]).elements.map { position in
                "\(position["channel"]?.string ?? "?")#\(position["seq"]?.integer(in: .seq) ?? -1)"
            }
            return ([result["status"]?.string ?? "?", result["id"]?.string ?? "?"] + positions).joined(separator: " ")
        }
    }

    @Test
    func theAnswerHasTheShapeOfTheProtocol() async throws {
        try await withServer { server in
            let body =
                #"{"type":"transactionUpdate","keys":["u_42","u_77"],"id":"tx-9001:completed","#
                + #""source":"payments","time":"2026-11-20T16:00:00Z","#
                + #""data":{"type":"p2p","amount":"5.00","status":"completed","own":{"kept":1.50}}}"#
            let answer = try await server.request(.post(body, token: try await server.tokens.publisher()))
            #expect(answer.fields["content-type"] == "application/json")
            let result = try #require(try answer.json()["results"]?.elements.map { $0 }.first)
            #expect(try answer.json().names == ["results"])
            #expect(result.names == ["id", "status", "positions"])
            let epoch = try #require(result["positions"]?.elements.map { $0 }.first?["epoch"]?.string)
            #expect(!epoch.isEmpty)
            #expect(
                result["positions"]?.written
                    == #"[{"channel":"transactionUpdate:u_42","epoch":"\#(epoch)","seq":1},"#
                    + #"{"channel":"transactionUpdate:u_77","epoch":"\#(epoch)","seq":1}]"#
            )
        }
    }

    @Test
    func dataIsKeptAsItWasPublished() async throws {
        try await withServer { server in
            let data = #"{"rate":"1.10","own":{"kept":1.50,"text":"\u00e9 é / \/"},"more":[1e400,-0,null]}"#
            let body = #"{"type":"rateChange","key":"A","time":"2026-11-20T16:00:00+02:00","data":\#(data)}"#
            let answer = try await server.request(.post(body, token: try await server.tokens.publisher()))
            #expect(answer.status == 200, "\(answer.text)")
            let latest = try #require(try await server.request(.get("/channels/rateChange:A")).json()["latest"])
            #expect(latest["data"]?.written == data)
            #expect(latest["time"]?.string == "2026-11-20T14:00:00Z")
        }
    }

    @Test
    func theHubMakesAnIDWhereThereIsNone() async throws {
        try await withServer { server in
            let request = Request.post(
                #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#,
                token: try await server.tokens.publisher()
            )
            var ids: Set<String> = []
            for seq in 1...3 {
                let result = try #require(
                    try await server.request(request).json()["results"]?.elements.map { $0 }.first
                )
                #expect(result["status"]?.string == "accepted")
                #expect(result["positions"]?.elements.map { $0["seq"]?.integer(in: .seq) } == [seq])
                ids.insert(try #require(result["id"]?.string))
            }
            #expect(ids.count == 3)
        }
    }

    @Test
    func theSourceIsThePublisherUnlessItSaysOtherwise() async throws {
        try await withServer { server in
            let plain = #"{"type":"rateChange","key":"A","id":"same","data":{"rate":"1"}}"#
            let named = #"{"type":"rateChange","key":"A","id":"same","source":"payments","data":{"rate":"1"}}"#
            let payments = try await server.tokens.publisher("payments")
            let rates = try await server.tokens.publisher("rates")
            var statuses: [String] = []
            for request in [
                Request.post(plain, token: payments), .post(plain, token: rates), .post(named, token: rates),
                .post(plain, token: payments),
            ] {
                statuses += try Self.results(of: try await server.request(request))
            }
            #expect(
                statuses == [
                    "accepted same rateChange:A#1", "accepted same rateChange:A#2", "duplicate same rateChange:A#1",
                    "duplicate same rateChange:A#1",
                ]
            )
        }
    }

    @Test
    func anIDTwiceInOneRequestIsOneEvent() async throws {
        try await withServer { server in
            let body = "[\(Self.rate),\(Self.balance),\(Self.rate)]"
            let answer = try await server.request(.post(body, token: try await server.tokens.publisher()))
            #expect(
                try Self.results(of: answer) == [
                    "accepted r-1 rateChange:BTC/USDT#1", "accepted b-1 balanceUpdate:u_42#1",
                    "duplicate r-1 rateChange:BTC/USDT#1",
                ]
            )
            #expect(try await server.heads() == ["rateChange:BTC/USDT": 1, "balanceUpdate:u_42": 1])
        }
    }

    @Test
    func otherContentUnderAnIDIsAConflictAndStoresNothing() async throws {
        try await withServer { server in
            let token = try await server.tokens.publisher()
            #expect(try await server.request(.post(Self.balance, token: token)).status == 200)
            let heads = try await server.heads()
            let other = #"{"type":"balanceUpdate","id":"b-1","data":{"userId":"u_42","balance":"10.51"}}"#
            let answer = try await server.request(.post("[\(Self.rate),\(other)]", token: token))
            try answer.expectProblem(409, "conflict")
            let items = try #require(try answer.json()["items"]).elements.map { $0 }
            #expect(items.map { $0["index"]?.integer(in: .seq) } == [1])
            #expect(items.first?["field"]?.string == "id")
            #expect(try await server.heads() == heads)
        }
    }

    @Test
    func aConflictWithinOneRequestStoresNothing() async throws {
        try await withServer { server in
            let other = #"{"type":"rateChange","key":"BTC/USDT","id":"r-1","data":{"rate":"97000.13"}}"#
            let token = try await server.tokens.publisher()
            let answer = try await server.request(.post("[\(Self.rate),\(other)]", token: token))
            try answer.expectProblem(409, "conflict")
            #expect(try await server.heads().isEmpty)
        }
    }

    @Test
    func aFailingTapeIsToldAndTheNextRequestWorks() async throws {
        try await withServer { server in
            let request = Request.post(Self.rate, token: try await server.tokens.publisher())
            server.tape.fail(.append, .before(.unavailable("the disk is full: /secret/place")))
            let refused = try await server.request(request)
            try refused.expectProblem(503, "unavailable")
            #expect(refused.fields["retry-after"].flatMap { Int($0) } ?? 0 > 0)
            #expect(!refused.text.contains("secret"))
            #expect(try await server.request(.get("/health/ready")).status == 503)
            #expect(try await server.heads().isEmpty)
            #expect(try Self.results(of: try await server.request(request)) == ["accepted r-1 rateChange:BTC/USDT#1"])
            #expect(try await server.request(.get("/health/ready")).status == 200)
        }
    }

    @Test
    func aCommitOfUnknownOutcomeIsSettledByTheSameIDs() async throws {
        try await withServer { server in
            let request = Request.post(Self.rate, token: try await server.tokens.publisher())
            server.tape.fail(.append, .after(.outcomeUnknown("the connection broke")))
            let unknown = try await server.request(request)
            try unknown.expectProblem(503, "unavailable")
            #expect(unknown.fields["retry-after"] != nil)
            #expect(try Self.results(of: try await server.request(request)) == ["duplicate r-1 rateChange:BTC/USDT#1"])
        }
    }
}
