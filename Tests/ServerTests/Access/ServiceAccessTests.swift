// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import Hub
import HubTestSupport
import JSON
import Server
import Testing

/// Services with API keys and with signatures.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct ServiceAccessTests {
    private static let keys = [APIKey.make(), APIKey.make(), APIKey.make()]
    private static let secrets = ["a secret of the shop, old", "a secret of the shop, new", "a secret of nobody here"]
    private static let rate = #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#

    private static var setup: Setup {
        var setup = Setup()
        setup.services = ServiceAccounts([
            ServiceAccount(
                name: "rates",
                scopes: ["publish:rateChange"],
                keyHashes: self.keys.prefix(2).compactMap { APIKey.readHash(APIKey.writtenHash(of: $0)) }
            ),
            ServiceAccount(name: "shop", scopes: ["publish:rateChange"], secrets: Array(self.secrets.prefix(2))),
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
            for secrets in [[Self.secrets[0]], [Self.secrets[1]], [Self.secrets[2], Self.secrets[1]]] {
                let field = Self.signature(Self.rate, secrets)
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
            ]
            for field in fields {
                try await server.request(Self.signed(Self.rate, field)).expectProblem(401, "bad_token")
            }
            #expect(try await server.heads().isEmpty)
        }
    }

    /// Whoever caught a signed request and sends it again publishes nothing new, though its events have no ids.
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
            // Signed anew it is another request.
            let later = Self.signed(body, Self.signature(body, [Self.secrets[0]], at: 1))
            #expect(try await server.request(later).status == 200)
            #expect(try await server.heads() == ["rateChange:A": 4])
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
