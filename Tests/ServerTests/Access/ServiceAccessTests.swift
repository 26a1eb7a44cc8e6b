// SPDX-License-Identifier: Apache-2.0

import Crypto
import EventLog
import Foundation
import Hub
import JSON
import Secrets
import Server
import TestSupport
import Testing

/// Services with API keys and with signatures.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct ServiceAccessTests {
    private static let keys = [APIKey.make(), APIKey.make(), APIKey.make()]
    private static let secrets = [
        "a secret of the shop, the old one", "a secret of the shop, the new one", "a secret that nobody here has got",
    ]
    private static let otherSecret = "a secret of another service here"
    private static let rate = #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#

    private static var setup: Setup {
        var setup = Setup()
        setup.services = ServiceAccounts([
            ServiceAccount(
                name: "rates",
                scopes: ["publish:rateChange"],
                keyHashes: self.keys.prefix(2).compactMap { APIKey.readHash(APIKey.writtenHash(of: $0)) }
            ),
            ServiceAccount(
                name: "shop",
                scopes: ["publish:rateChange", "source:/rates"],
                secrets: self.secrets.prefix(2).compactMap { try? Secret($0) }
            ),
            ServiceAccount(
                name: "other",
                scopes: ["publish:rateChange"],
                secrets: [try? Secret(self.otherSecret)].compactMap { $0 }
            ),
        ])
        return setup
    }

    private static func signature(_ body: String, _ secrets: [String], at offset: Int = 0) -> String {
        let time = String(Int(Date().timeIntervalSince1970) + offset)
        return
            (["t=" + time]
            + secrets.map { secret in
                let key = SymmetricKey(data: Data(secret.utf8))
                let mac = HMAC<SHA256>.authenticationCode(for: Data("\(time).\(body)".utf8), using: key)
                return "v1=" + mac.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            }).joined(separator: ",")
    }

    private static func signed(_ body: String, _ field: String) -> Request {
        .post(body, token: nil, fields: [("Broadtape-Signature", field)])
    }

    @Test func bothKeysOfAServiceWorkByEitherField() async throws {
        try await withServer(Self.setup) { server in
            for key in Self.keys.prefix(2) {
                for request in [
                    Request.post(Self.rate, token: key), .post(Self.rate, token: nil, fields: [("X-API-Key", key)]),
                ] {
                    let answer = try await server.request(request)
                    #expect(answer.status == 200, "\(answer.text)")
                }
            }
            #expect(try await server.heads() == ["rateChange:A": 4])
            // On a socket as well.
            let socket = try await server.open(token: Self.keys[0])
            try await socket.send(#"{"op":"publish","id":1,"events":[\#(Self.rate)]}"#)
            try await socket.expect("published")
        }
    }

    @Test func otherKeysAndOtherScopesAreRefused() async throws {
        try await withServer(Self.setup) { server in
            let half = String(Self.keys[0].dropLast())
            for key in [Self.keys[2], half, Self.keys[0] + "A", "bt_", APIKey.writtenHash(of: Self.keys[0])] {
                try await server.request(.post(Self.rate, token: key)).expectProblem(401, "bad_token")
                try await server.request(.post(Self.rate, token: nil, fields: [("X-API-Key", key)]))
                    .expectProblem(401, "bad_token")
            }
            let balance = #"{"type":"balanceUpdate","key":"u","data":{"balance":"1"}}"#
            try await server.request(.post(balance, token: Self.keys[0])).expectProblem(403, "forbidden")
            #expect(try await server.heads().isEmpty)
        }
    }

    @Test func signedRequestsAreTaken() async throws {
        try await withServer(Self.setup) { server in
            // The same body at the same time is the same request, regardless of which key of the service signed it.
            let signers = [[Self.secrets[0]], [Self.secrets[1]], [Self.secrets[2], Self.secrets[1]]]
            for (index, secrets) in signers.enumerated() {
                let field = Self.signature(Self.rate, secrets, at: -10 * index)
                let answer = try await server.request(Self.signed(Self.rate, field))
                #expect(answer.status == 200, "\(answer.text)")
            }
            for offset in [-290, 290] {
                let field = Self.signature(Self.rate, [Self.secrets[0]], at: offset)
                let answer = try await server.request(Self.signed(Self.rate, field))
                #expect(answer.status == 200, "\(answer.text)")
            }
            let extra = Self.signature(Self.rate, [Self.secrets[1]], at: 1) + ",v0=aa, v2 = bb"
            #expect(try await server.request(Self.signed(Self.rate, extra)).status == 200)
            #expect(try await server.heads() == ["rateChange:A": 6])
        }
    }

    @Test func otherSignaturesAreRefused() async throws {
        try await withServer(Self.setup) { server in
            let good = Self.signature(Self.rate, [Self.secrets[0]])
            let fields = [
                Self.signature(Self.rate + " ", [Self.secrets[0]]), Self.signature(Self.rate, [Self.secrets[2]]),
                Self.signature(Self.rate, [Self.secrets[0]], at: -320),
                Self.signature(Self.rate, [Self.secrets[0]], at: 320),
                String(good.dropLast()), String(good.dropLast(2)), good.replacing("v1=", with: "v0="),
                good.replacing("t=", with: "t=0"), "t=1", "v1=aa", "", "t=9223372036854775807,v1=aa",
                "t=x,v1=aa", String(repeating: "v1=aa,", count: 1000), good.replacing("t=", with: "t=-"),
                good.replacing("t=", with: "t=+"), "t=1," + good, good + ",t=1",
                // Of two services: whose event would it be?
                Self.signature(Self.rate, [Self.secrets[0], Self.otherSecret]),
            ]
            for field in fields {
                try await server.request(Self.signed(Self.rate, field)).expectProblem(401, "bad_token")
            }
            #expect(try await server.heads().isEmpty)
        }
    }

    /// A captured request that is replayed publishes nothing new, even if its events have no ids.
    @Test func aSignedRequestSentAgainIsADuplicate() async throws {
        try await withServer(Self.setup) { server in
            let body = "[\(Self.rate),\(Self.rate)]"
            let request = Self.signed(body, Self.signature(body, [Self.secrets[0]]))
            let first = try await server.request(request)
            #expect(first.status == 200)
            let ids = try first.json()["results"]?.elements.map { $0["id"]?.string }
            for _ in 0..<3 {
                let again = try await server.request(request).json()["results"]
                #expect(again?.elements.map { $0["status"]?.string } == ["duplicate", "duplicate"])
                #expect(again?.elements.map { $0["id"]?.string } == ids)
            }
            #expect(try await server.heads() == ["rateChange:A": 2])
            // With a new signature it is another request.
            let later = Self.signed(body, Self.signature(body, [Self.secrets[0]], at: 1))
            #expect(try await server.request(later).status == 200)
            #expect(try await server.heads() == ["rateChange:A": 4])
        }
    }

    /// An attacker with a captured request can add signatures to it, or remove one.
    @Test func otherSignaturesBesideTheTrueOneMakeNoNewEvent() async throws {
        try await withServer(Self.setup) { server in
            let good = Self.signature(Self.rate, [Self.secrets[0], Self.secrets[1]])
            let parts = good.split(separator: ",").map(String.init)
            let madeUp = "v1=" + String(repeating: "ab", count: 32)
            let fields = [
                good, [parts[0], madeUp, parts[1], parts[2]].joined(separator: ","),
                [madeUp, parts[1], parts[0]].joined(separator: ","), [parts[0], parts[1]].joined(separator: ","),
                [parts[0], parts[2]].joined(separator: ","), [parts[0], " v1 = ff", parts[2]].joined(separator: ", "),
                [parts[0], parts[2], parts[1], madeUp].joined(separator: ","),
            ]
            var ids: Set<String?> = []
            for (index, field) in fields.enumerated() {
                let answer = try await server.request(Self.signed(Self.rate, field))
                #expect(answer.status == 200, "\(answer.text)")
                let result = try answer.json()["results"]?.elements.map { $0 }.first
                #expect(result?["status"]?.string == (index == 0 ? "accepted" : "duplicate"), "\(field)")
                ids.insert(result?["id"]?.string)
            }
            #expect(ids.count == 1)
            #expect(try await server.heads() == ["rateChange:A": 1])
            let twice = Request.post(
                Self.rate,
                token: nil,
                fields: [("Broadtape-Signature", good), ("Broadtape-Signature", "t=1,v1=aa")]
            )
            try await server.request(twice).expectProblem(401, "bad_token")
        }
    }

    /// What is not signed decides nothing: the same body and signature are the same event or none.
    @Test func fieldsBesideASignedBodyMakeNoOtherEvent() async throws {
        try await withServer(Self.setup) { server in
            let plain = #"{"type":"rateChange","key":"A","rate":"1","data":{"rate":"1"}}"#
            let cloud =
                #"{"specversion":"1.0","id":"c","source":"/rates","type":"rateChange","subject":"A","key":"B","#
                + #""data":{"rate":"1"}}"#
            let binary = [
                ("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "shop"), ("ce-type", "rateChange"),
                ("ce-subject", "other"),
            ]
            func send(_ body: String, as type: String, _ more: [(String, String)] = []) async throws -> Answer {
                let field = Self.signature(body, [Self.secrets[0]])
                return try await server.request(
                    .post(body, token: nil, as: type, fields: [("Broadtape-Signature", field)] + more)
                )
            }
            #expect(try await send(plain, as: "application/json").status == 200)
            #expect(try await send(cloud, as: "application/cloudevents+json").status == 200)
            #expect(try await server.heads() == ["rateChange:A": 2])
            for body in [cloud, "[\(cloud)]"] {
                try await send(body, as: "application/json").expectProblem(400, "bad_request")
            }
            try await send(cloud, as: "application/x-ndjson").expectProblem(400, "bad_request")
            try await send(plain, as: "application/cloudevents+json").expectProblem(422, "invalid_event")
            try await send(plain, as: "application/json", binary).expectProblem(400, "bad_request")
            try await send(#"{"rate":"1"}"#, as: "application/json", binary).expectProblem(400, "bad_request")
            // As lines it is the same event.
            #expect(try await send(plain, as: "application/x-ndjson").text.contains("duplicate"))
            #expect(try await server.heads() == ["rateChange:A": 2])
        }
    }

    @Test func aTraceBesideASignedBodyIsNoPartOfItsEvents() async throws {
        try await withServer(Self.setup) { server in
            let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            var request = Self.signed(Self.rate, Self.signature(Self.rate, [Self.secrets[0]]))
            request.fields.append(("traceparent", trace))
            #expect(try await server.request(request).status == 200)
            request = Request.post(Self.rate, token: Self.keys[0], fields: [("traceparent", trace)])
            #expect(try await server.request(request).status == 200)
            let body = #"{"type":"rateChange","key":"A","traceparent":"\#(trace)","data":{"rate":"1"}}"#
            #expect(try await server.request(Self.signed(body, Self.signature(body, [Self.secrets[0]]))).status == 200)
            let events = try await server.request(.get("/channels/rateChange:A/events")).json()["events"]
            #expect(events?.elements.map { $0["traceparent"]?.string } == [nil, trace, trace])
        }
    }

    /// A key that somebody chose and hashed.
    @Test func aShortKeyIsNoneThoughTheConfigurationHasItsHash() async throws {
        var setup = Self.setup
        let key = "bt_" + String(repeating: "k", count: 31)
        setup.services = ServiceAccounts([
            ServiceAccount(
                name: "rates",
                scopes: ["publish:rateChange"],
                keyHashes: [key, key + "k"].compactMap { APIKey.readHash(APIKey.writtenHash(of: $0)) }
            )
        ])
        try await withServer(setup) { server in
            try await server.request(.post(Self.rate, token: key)).expectProblem(401, "bad_token")
            #expect(try await server.request(.post(Self.rate, token: key + "k")).status == 200)
        }
    }

    @Test func aRevokedServiceIsRefusedWhateverItShows() async throws {
        try await withServer(Self.setup) { server in
            try await server.hub.revoke([
                Revocation(.subject("rates"), time: .now), Revocation(.subject("shop"), time: .now),
            ])
            try await server.request(.post(Self.rate, token: Self.keys[0])).expectProblem(401, "revoked")
            let field = Self.signature(Self.rate, [Self.secrets[0]])
            try await server.request(Self.signed(Self.rate, field)).expectProblem(401, "revoked")
            _ = try await server.hub.lift(.subject("rates"))
            #expect(try await server.request(.post(Self.rate, token: Self.keys[0])).status == 200)
        }
    }

    @Test func keysAreLongAndDifferent() {
        let keys = Set((0..<100).map { _ in APIKey.make() })
        #expect(keys.count == 100)
        #expect(keys.allSatisfy { $0.hasPrefix("bt_") && $0.utf8.count == 46 })
        for text in ["", "sha256:", "sha256:00", "bt_x", "sha256:" + String(repeating: "g", count: 64)] {
            #expect(APIKey.readHash(text) == nil)
        }
    }
}
