// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import Hub
import JSON
import Pages
import SQLiteStore
import Server
import TestSupport
import Testing

/// The contracts (`config/openapi.yaml`, `config/asyncapi.yaml`) and the hub say the same: every route, status, code,
/// message and member of one is in the other.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct ContractSystemTests {
    /// Changes to a contract that have to be noticed.
    private static let edits = [
        ("asyncapi.yaml", "reconnectAfter", "comeBackAfter"), ("asyncapi.yaml", "caughtUp", "arrived"),
        ("asyncapi.yaml", "4508]", "4508, 4599]"), ("asyncapi.yaml", " overloaded]\n", " overloaded, tired]\n"),
        ("openapi.yaml", "filledAmount", "filled"), ("openapi.yaml", "  /rate:\n", "  /rates:\n"),
        ("openapi.yaml", "x-codes: [conflict]", "x-codes: [clash]"),
        ("schemas/common.json", "\"positions\"", "\"places\""),
        ("schemas/rateChange.json", "\"rate\"\n", "\"price\"\n"),
    ]

    @Test
    func theContractsSayWhatTheHubDoesAndTheHubDoesWhatTheySay() async throws {
        let recording = Recording()
        recording.knows("errorCodes", ErrorCode.allCases.map(\.rawValue))
        recording.knows("closeCodes", CloseReason.examples.map { String($0.code) })
        recording.knows("actions", Set(ErrorCode.allCases.compactMap(\.action)).sorted())
        recording.knows(
            "modes",
            [ServerMessage.Mode.live, .snapshot, .resumed].map(\.rawValue)
        )
        try await Recording.$current.withValue(recording) {
            try await Self.publicPort(recording)
            try await Self.leaving()
            try await Self.withoutRows()
            try await Self.withoutMemory()
            try await Self.adminPort(recording)
            try await Self.withoutAudit()
        }
        let faults = try await recording.faults(against: Recording.contracts)
        #expect(faults == [])
        try await withTemporaryFolder { folder in
            for (index, (file, old, new)) in Self.edits.enumerated() {
                let copy = URL(fileURLWithPath: folder).appendingPathComponent("\(index)")
                try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
                for part in ["openapi.yaml", "asyncapi.yaml", "schemas"] {
                    try FileManager.default.copyItem(
                        at: Recording.contracts.appendingPathComponent(part),
                        to: copy.appendingPathComponent(part)
                    )
                }
                let path = copy.appendingPathComponent(file)
                let text = try String(contentsOf: path, encoding: .utf8)
                try #require(text.contains(old), "\(file) has \(old)")
                try text.replacing(old, with: new).write(to: path, atomically: true, encoding: .utf8)
                #expect(try await !recording.faults(against: copy).isEmpty, "\(old) → \(new) in \(file)")
            }
        }
    }

    /// Routes without the files of the pages, and without what is answered to HEAD as it is to GET.
    private static func contracted(_ routes: [String], apartFrom part: Page.Part) -> [String] {
        let files = Set(Page.all(of: part).map(\.path))
        return routes.filter { route in
            let words = route.split(separator: " ", maxSplits: 1).map(String.init)
            return words[0] != "HEAD" && !files.contains(words.last ?? "")
        }
    }

    // MARK: - The public port

    private static func publicPort(_ recording: Recording) async throws {
        var setup = Setup()
        setup.hub.connectionsPerUser = 3
        setup.hub.probe = .milliseconds(50)
        setup.hub.publishRate = .init(perSecond: 1, burst: 50)
        setup.hub.shard.subscriptionsPerMember = 4
        setup.hub.shard.heartbeat = .milliseconds(100)
        setup.edge.bodyBytes = 100_000
        setup.edge.messageBytes = 100_000
        setup.edge.inbound.messages = .init(perSecond: 100, burst: 200)
        setup.edge.origins = try #require(AllowedOrigins(["https://a.example"]))
        try await withTemporaryFolder { folder in
            let tape = try await SQLiteTape(path: folder + "/tape.db")
            try await withServer(setup, tape: tape) { server in
                let routes = API(hub: server.hub, bodyBytes: 1).routes
                recording.knows("routes", Self.contracted(routes, apartFrom: .live).map { "public \($0)" })
                let gone = try await server.tokens.user("gone", "publish:*")
                let revocation = Revocation(.init(.subject, "gone"), time: .now, until: nil, reason: "")
                try await server.hub.revoke([revocation])
                try await ContractAnswers(server, gone: gone).publish()
                try await ContractAnswers(server, gone: gone).read()
                try await ContractAnswers(server, gone: gone).stream()
                try await ContractFrames(server, gone: gone).run()
                try await ContractFrames(server, gone: gone).close()
                try await ContractAnswers(server, gone: gone).withoutTape(tape)
            }
        }
    }

    private static func leaving() async throws {
        try await withServer { server in
            let socket = try await server.open()
            let stream = try await server.stream("channel=rateChange:A")
            try await stream.expect("subscribed")
            async let draining: Void = server.hub.drain(over: .seconds(30))
            try await eventually("the node drains") { server.hub.isDraining }
            for request in [Request.upgrade(), .get("/stream?channel=rateChange:A"), .get("/health/ready")] {
                #expect(try await server.request(request).status == 503)
            }
            server.hub.finishDrainNow()
            await draining
            await server.stop()
            while try await stream.next() != nil {}
            try await socket.until("goodbye")
            try await socket.expectClose(4001)
        }
    }

    private static func withoutRows() async throws {
        try await withServer { server in
            let token = try await server.tokens.user("u_42")
            for target in ["/wallets", "/transactions", "/rate?pair=A"] {
                #expect(try await server.request(.get(target, token: token)).status == 404)
            }
        }
    }

    private static func withoutMemory() async throws {
        var setup = Setup()
        setup.edge.admission.memoryBytes = 1
        try await withServer(setup) { server in
            try await eventually("new connections are refused") {
                try await server.request(.get("/health/live")).status == 503
            }
        }
    }

    // MARK: - The operators' port

    private static func adminPort(_ recording: Recording) async throws {
        let (source, letters, access) = (ScriptedFanInSource(), RecordingFanInStore(), SharedAccessStore())
        var setup = Setup()
        setup.isAdmin = true
        setup.fanIn = FanInPorts(source: source, store: letters)
        setup.access = AccessStores(revocations: access, audit: access)
        setup.hub.fanIn.keeping = .milliseconds(5)
        try await withServer(setup) { server in
            let routes = AdminAPI(hub: server.hub, process: server.process) { _ in }.routes
            recording.knows("routes", Self.contracted(routes, apartFrom: .operators).map { "admin \($0)" })
            try await source.wait(forListeners: 1)
            source.send("rate.x", "?")
            try await letters.wait(for: "the letter") { $0.deadLetters.count == 1 }
            func revoke(_ body: String) -> Request {
                Request("POST", "/revocations", fields: [("Content-Type", "application/json")], body: body)
            }
            for (request, status) in [
                (.get("/metrics"), 200), (.get("/dead-letters"), 200), (.get("/dead-letters?limit=0"), 400),
                (revoke(#"{"subject":"u_1","reason":"lost","until":"2099-01-01T00:00:00Z"}"#), 201),
                (revoke(#"{"tokenId":"t_1"}"#), 201), (revoke(#"{"session":"s_1"}"#), 201), (revoke("{}"), 400),
                (.get("/revocations"), 200), (.get("/revocations?limit=1"), 200), (.get("/revocations?limit=0"), 400),
                (Request("DELETE", "/revocations?subject=u_1"), 204),
                (Request("DELETE", "/revocations?subject=u_1"), 404), (Request("DELETE", "/revocations"), 400),
                (.get("/audit"), 200), (.get("/audit?limit=1"), 200), (.get("/audit?action=x"), 400),
                (.get("/drain"), 200), (Request("POST", "/drain?over=x"), 400), (Request("POST", "/drain"), 202),
                (.get("/health/live"), 200), (.get("/health/ready"), 200),
            ] as [(Request, Int)] {
                let answer = try await server.request(request)
                #expect(answer.status == status, "\(request.method) \(request.target): \(answer.text)")
            }
            letters.fail(.unavailable("away"))
            access.fail(.unavailable("away"))
            for request in [
                .get("/dead-letters"), revoke(#"{"subject":"u_2"}"#), Request("DELETE", "/revocations?subject=u_2"),
                .get("/audit"),
            ] {
                #expect(try await server.request(request).status == 503, "\(request.target)")
            }
            access.fail(nil)
            letters.fail(nil)
        }
    }

    private static func withoutAudit() async throws {
        var setup = Setup()
        setup.isAdmin = true
        try await withServer(setup) { server in
            let answer = try await server.request(.get("/audit"))
            #expect(answer.status == 404)
        }
    }
}
