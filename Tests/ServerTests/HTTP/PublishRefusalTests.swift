// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import Server
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(1)))
struct PublishRefusalTests {
    @Test(
        arguments: RefusedRequests.bodies + RefusedRequests.contentTypes + RefusedRequests.cloudEvents
            + RefusedRequests.bearers
    )
    func badRequestsAreRefusedAndChangeNothing(_ bad: RefusedRequests.Case) async throws {
        var setup = Setup()
        setup.hub.intake.events = 100
        try await withServer(setup) { server in
            try await server.publish(#"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#)
            let heads = try await server.heads()
            let authorization =
                try await Self.authorization(bad.bearer, server.tokens).map { [("Authorization", $0)] } ?? []
            let answer = try await server.request(
                .post(bad.body, token: nil, as: bad.contentType, fields: bad.fields + authorization)
            )
            try answer.expectProblem(bad.status, bad.code)
            if !bad.items.isEmpty {
                let items = try #require(try answer.json()["items"], "\(answer.text)").elements.map { item in
                    #expect(item["message"]?.string?.isEmpty == false)
                    return "\(item["index"]?.integer(in: .seq) ?? -1) \(item["field"]?.string ?? "")"
                }
                #expect(items == bad.items)
            }
            for text in bad.says {
                #expect(answer.text.contains(text))
            }
            #expect((answer.fields["www-authenticate"]?.hasPrefix("Bearer") ?? false) == (bad.status == 401))
            #expect(try await server.heads() == heads)
        }
    }

    private static func authorization(_ bearer: RefusedRequests.Bearer, _ tokens: Tokens) async throws -> String? {
        let token: String
        switch bearer {
        case .none: return nil
        case .field(let field): return field
        case .good: token = try await tokens.publisher()
        case .scopes(let scopes):
            token = try await tokens.keys.sign(subject: "svc", scopes: scopes, expires: nil)
        case .expired: token = try await tokens.user("svc", "publish:*", for: .seconds(-1))
        case .notYet:
            let tomorrow = Int(Timestamp.now.nanoseconds / 1_000_000_000) + 86_400
            token = try await tokens.signed(Claims(sub: "svc", exp: nil, nbf: tomorrow, scope: "publish:*"))
        case .foreign: token = try await tokens.foreign("svc")
        case .otherAlgorithm: token = try await tokens.signedBySHA512("svc")
        case .tampered: token = try await tokens.tampered("svc")
        case .unsigned(let algorithm): token = tokens.unsigned("svc", algorithm: algorithm)
        case .noSubject: token = try await tokens.signed(Claims(sub: "", exp: nil, scope: "publish:*"))
        }
        return "Bearer " + token
    }

    @Test(arguments: ["publish:rateChange", "publish:*"])
    func aScopeForTheTypeIsEnough(_ scope: String) async throws {
        try await withServer { server in
            let token = try await server.tokens.user("svc", "read:x", scope)
            let answer = try await server.request(
                .post(#"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#, token: token)
            )
            #expect(answer.status == 200, "\(answer.text)")
        }
    }

    @Test(arguments: [false, true])
    func aBodyOfTenMegabytesIsTooLarge(_ isChunked: Bool) async throws {
        try await withServer { server in
            let token = try await server.tokens.publisher()
            let wire = try await server.connect()
            let length = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: 10485760"
            try await wire.send(
                "POST /events HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                    + "Authorization: Bearer \(token)\r\n\(length)\r\n\r\n"
            )
            let spaces = String(repeating: " ", count: 65_536)
            for _ in 0..<160 {
                // The server may have closed by then, which is as good.
                try? await wire.send(isChunked ? "10000\r\n\(spaces)\r\n" : spaces)
            }
            if isChunked { try? await wire.send("0\r\n\r\n") }
            try await wire.answer().expectProblem(413, "too_large")
            #expect(try await server.heads().isEmpty)
        }
    }

    @Test
    func aTokenWithAFarExpiryInMillisecondsIsNoTrap() async throws {
        try await withServer { server in
            for expires in [1_800_000_000_000, Int.max] {
                let token = try await server.tokens.signed(Claims(sub: "svc", exp: expires, scope: "publish:*"))
                let answer = try await server.request(
                    .post(#"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#, token: token)
                )
                #expect(answer.status == 200, "\(answer.text)")
            }
        }
    }
}
