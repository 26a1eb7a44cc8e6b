// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Testing

@Suite(.timeLimit(.minutes(1)))
struct PublisherTests {
    private static let quick = Retries(
        patience: .seconds(20),
        backoff: Backoff(base: .milliseconds(1), cap: .milliseconds(1))
    )
    private static let accepted =
        #"{"results":[{"id":"a","status":"accepted","positions":[{"channel":"x:y","epoch":"k","seq":1}]}]}"#

    private func publish(
        to server: AnswerServer,
        retries: Retries = quick,
        _ lines: [String] = [#"{"id":"a","type":"x","data":{}}"#]
    ) async throws -> [Receipt] {
        let publisher = Publisher(to: try server.address, token: { "t" }, retries: retries)
        return try await publisher.publish(lines.map { try Publication(json: Array($0.utf8)) })
    }

    @Test func receiptsAreRead() async throws {
        let (receipts, requests) = try await AnswerServer.withServer([.ok(Self.accepted)]) { server in
            try await self.publish(to: server)
        }
        let position = Position(channel: "x:y", epoch: "k", seq: 1)
        #expect(receipts == [Receipt(id: "a", status: .accepted, positions: [position])])
        let request = try #require(requests.first)
        #expect(request.hasPrefix("POST /events HTTP/1.1\r\n"))
        #expect(request.contains("authorization: Bearer t\r\n"))
        #expect(request.contains("content-type: application/x-ndjson\r\n"))
        #expect(request.hasSuffix("\r\n\r\n{\"id\":\"a\",\"type\":\"x\",\"data\":{}}\n"))
    }

    @Test func troubleIsTriedAgainWithTheSameEvents() async throws {
        let answers: [AnswerServer.Answer] = [
            .status(503, "Service Unavailable", #"{"detail":"later"}"#), .drop, .status(429, "Too Many Requests", ""),
            .ok(Self.accepted),
        ]
        let (receipts, requests) = try await AnswerServer.withServer(answers) { server in
            // Without an id of its own, so that one is made up once.
            try await self.publish(to: server, [#"{"type":"x","data":{}}"#])
        }
        #expect(receipts.count == 1)
        let bodies = requests.map { $0.split(separator: "\r\n\r\n").last }
        #expect(bodies.count == 4)
        #expect(Set(bodies).count == 1)
    }

    @Test func problemsAreTold() async throws {
        let body =
            #"{"type":"urn:broadtape:error:invalid_event","title":"Unprocessable Content","status":422,"#
            + #""code":"invalid_event","detail":"bad","items":[{"index":0,"field":"data.rate","message":"is required"}]}"#
        let problem = Problem(
            status: 422,
            type: "urn:broadtape:error:invalid_event",
            code: "invalid_event",
            title: "Unprocessable Content",
            detail: "bad",
            items: [Problem.Item(index: 0, field: "data.rate", message: "is required")]
        )
        await #expect(throws: PublishError.problem(problem)) {
            try await AnswerServer.withServer([.status(422, "Unprocessable Content", body)]) { server in
                try await self.publish(to: server)
            }
        }
    }

    @Test(arguments: ["", "{}", "hello", #"{"results":[]}"#, #"{"results":[{"id":"a"}]}"#])
    func otherAnswersAreNotTakenForReceipts(_ body: String) async throws {
        let error = await #expect(throws: PublishError.self) {
            try await AnswerServer.withServer([.ok(body)]) { server in try await self.publish(to: server) }
        }
        guard case .unexpectedAnswer(status: 200, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func nobodyListeningIsTold() async throws {
        let (address, _) = try await AnswerServer.withServer([]) { try $0.address }
        let publisher = Publisher(to: address, token: nil, retries: Retries(patience: .zero))
        await #expect(throws: PublishError.unreachable("Connection refused", attempts: 1)) {
            try await publisher.publish([Publication(type: "x", data: Array("{}".utf8))])
        }
    }

    @Test func nothingIsPublishedAsNothing() async throws {
        let (receipts, requests) = try await AnswerServer.withServer([]) { server in
            try await self.publish(to: server, [])
        }
        #expect(receipts.isEmpty)
        #expect(requests.isEmpty)
    }
}
