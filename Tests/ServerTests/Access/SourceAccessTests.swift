// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import JSON
import Secrets
import Server
import TestSupport
import Testing

/// Nobody takes the name, and with it the ids, of another.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct SourceAccessTests {
    private static let key = APIKey.make()
    private static let secret = "the secret of a service that signs"
    private static let secondKey = APIKey.make()

    private static var setup: Setup {
        var setup = Setup()
        setup.services = ServiceAccounts([
            ServiceAccount(
                name: "shop",
                scopes: ["publish:rateChange"],
                keyHashes: [APIKey.readHash(APIKey.writtenHash(of: self.key))].compactMap { $0 },
                secrets: [try? Secret(self.secret)].compactMap { $0 }
            ),
            ServiceAccount(
                name: "agent",
                scopes: ["publish:rateChange", "source:payments"],
                keyHashes: [APIKey.readHash(APIKey.writtenHash(of: self.secondKey))].compactMap { $0 }
            ),
        ])
        return setup
    }

    private static func rate(_ source: String, id: String = "tx-1") -> String {
        #"{"type":"rateChange","key":"A","id":"\#(id)","source":"\#(source)","data":{"rate":"1"}}"#
    }

    private static func cloudEvent(_ source: String, id: String = "tx-1") -> String {
        #"{"specversion":"1.0","id":"\#(id)","source":"\#(source)","type":"rateChange","subject":"A","data":{"rate":"1"}}"#
    }

    /// One event of a source, in every way in which it can be sent over HTTP.
    private static func writings(_ source: String, token: String, id: String = "tx-1") -> [Request] {
        [
            .post(Self.rate(source, id: id), token: token),
            .post("[\(Self.rate(source, id: id))]", token: token),
            .post(Self.rate(source, id: id), token: token, as: "application/x-ndjson"),
            .post(Self.cloudEvent(source, id: id), token: token, as: "application/cloudevents+json"),
            .post("[\(Self.cloudEvent(source, id: id))]", token: token, as: "application/cloudevents-batch+json"),
            .post(
                #"{"rate":"1"}"#,
                token: token,
                fields: [
                    ("ce-specversion", "1.0"), ("ce-id", id), ("ce-source", source), ("ce-type", "rateChange"),
                    ("ce-subject", "A"),
                ]
            ),
        ]
    }

    @Test func anotherSourceNeedsItsScopeHoweverItIsSent() async throws {
        try await withServer(Self.setup) { server in
            let user = try await server.tokens.user("u_1", "publish:*")
            for token in [user, Self.key] {
                for request in Self.writings("payments", token: token) {
                    let answer = try await server.request(request)
                    try answer.expectProblem(403, "forbidden")
                    #expect(answer.text.contains("source:payments"), "\(answer.text)")
                }
            }
            #expect(try await server.heads().isEmpty)
            // The true one has its id still.
            let payments = try await server.tokens.user("payments", "publish:*")
            for (index, request) in Self.writings("payments", token: payments).enumerated() {
                let answer = try await server.request(request)
                #expect(answer.status == 200, "\(answer.text)")
                #expect(answer.text.contains(index == 0 ? "accepted" : "duplicate"))
            }
            #expect(try await server.heads() == ["rateChange:A": 1])
        }
    }

    @Test func whoHasTheScopePublishesUnderTheName() async throws {
        try await withServer(Self.setup) { server in
            let one = try await server.tokens.user("u_1", "publish:*", "source:payments")
            let any = try await server.tokens.user("u_1", "publish:*", "source:*")
            for token in [one, any, Self.secondKey] {
                for request in Self.writings("payments", token: token) {
                    #expect(try await server.request(request).status == 200)
                }
            }
            #expect(try await server.request(.post(Self.rate("other", id: "tx-2"), token: any)).status == 200)
            #expect(try await server.heads() == ["rateChange:A": 2])
            for token in [one, Self.secondKey] {
                try await server.request(.post(Self.rate("other"), token: token)).expectProblem(403, "forbidden")
            }
        }
    }

    @Test func aSignatureIsOfOneSourceToo() async throws {
        try await withServer(Self.setup) { server in
            let time = String(Int(Date().timeIntervalSince1970))
            for (source, status) in [("payments", 403), ("shop", 200)] {
                let body = Self.rate(source)
                let key = SymmetricKey(data: Data(Self.secret.utf8))
                let mac = HMAC<SHA256>.authenticationCode(for: Data("\(time).\(body)".utf8), using: key)
                let code = mac.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
                let request = Request.post(
                    body,
                    token: nil,
                    fields: [("Broadtape-Signature", "t=\(time),v1=\(code)")]
                )
                let answer = try await server.request(request)
                #expect(answer.status == status, "\(answer.text)")
            }
        }
    }

    @Test func anotherSourceNeedsItsScopeOnASocketToo() async throws {
        try await withServer(Self.setup) { server in
            for token in [try await server.tokens.user("u_1", "publish:*"), Self.key] {
                let socket = try await server.open(token: token)
                try await socket.send(#"{"op":"publish","id":1,"events":[\#(Self.rate("payments"))]}"#)
                let error = try await socket.expectError("forbidden")
                #expect(error["items"]?.elements.map { $0["field"]?.string } == ["source"])
            }
            let socket = try await server.open(token: Self.secondKey)
            try await socket.send(#"{"op":"publish","id":1,"events":[\#(Self.rate("payments"))]}"#)
            try await socket.expect("published")
            #expect(try await server.heads() == ["rateChange:A": 1])
        }
    }

    /// Whatever scopes and names they have.
    @Test(arguments: ["chain:mainnet", "rate:binance", "chain.mainnet", "rate.binance", "chain:"])
    func whatTheHubPublishesItselfIsNobodys(_ source: String) async throws {
        try await withServer(Self.setup) { server in
            let any = try await server.tokens.user("u_1", "publish:*", "source:*", "source:\(source)")
            for request in Self.writings(source, token: any) {
                try await server.request(request).expectProblem(403, "forbidden")
            }
            let own = try await server.tokens.user(source, "publish:*", "source:*")
            for body in [Self.rate(source), #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#] {
                try await server.request(.post(body, token: own)).expectProblem(403, "forbidden")
            }
            #expect(try await server.heads().isEmpty)
        }
    }

    /// Names are bytes.
    @Test func anotherSpellingIsAnotherName() async throws {
        try await withServer(Self.setup) { server in
            let token = try await server.tokens.user("u_1", "publish:*", "source:caf\u{E9}")
            #expect(try await server.request(.post(Self.rate("caf\u{E9}"), token: token)).status == 200)
            try await server.request(.post(Self.rate("cafe\u{301}"), token: token)).expectProblem(403, "forbidden")
            let own = try await server.tokens.user("caf\u{E9}", "publish:*")
            try await server.request(.post(Self.rate("cafe\u{301}"), token: own)).expectProblem(403, "forbidden")
        }
    }
}
