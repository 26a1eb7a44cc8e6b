// SPDX-License-Identifier: Apache-2.0

import Crypto
import EventLog
import Foundation
import Hub
import JWTKit
import Secrets
import Server
import Testing

@Suite(.timeLimit(.minutes(1)))
struct TokenKeysTests {
    private static let text = "a secret of these tests, thirty-two bytes and more"
    private static let secret = try? Secret(text)
    private static let now = Timestamp(nanoseconds: 1_800_000_000_000_000_000)

    private func fault(_ keys: TokenKeys, _ token: String) -> TokenFault? {
        guard case .settled(let result) = keys.verdict(on: token, now: Self.now) else { return .unavailable("waits") }
        guard case .failure(let fault) = result else { return nil }
        return fault
    }

    private func isRefused(_ keys: TokenKeys, _ token: String) -> Bool {
        guard case .invalid = self.fault(keys, token) else { return false }
        return true
    }

    private func keys(_ issuers: Issuer..., secret: Secret? = nil) async throws -> TokenKeys {
        var keys: [VerificationKey] = []
        for issuer in issuers { keys += try await KeySet(file: issuer.pem, id: issuer.id).keys }
        return TokenKeys(secret: secret, keys: keys)
    }

    @Test(arguments: Issuer.Kind.allCases, ["k1", nil])
    func eachAlgorithmIsVerifiedAtOnce(_ kind: Issuer.Kind, _ id: String?) async throws {
        let issuer = try await Issuer(kind, id: id)
        let token = try await issuer.token("u_7")
        for set in [try await KeySet(file: issuer.pem, id: id), try await KeySet(jwks: Issuer.set(issuer))] {
            let keys = TokenKeys(secret: nil, keys: set.keys)
            guard case .settled(.success(let principal)) = keys.verdict(on: token) else {
                Issue.record("\(String(describing: self.fault(keys, token)))")
                continue
            }
            #expect(principal.subject == "u_7")
            // One other bit anywhere in the signature or in what is signed.
            for place in [0.3, 0.6, 0.99] {
                var bytes = Array(token.utf8)
                let index = Int(Double(bytes.count - 2) * place)
                bytes[index] = bytes[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
                #expect(self.isRefused(keys, String(decoding: bytes, as: UTF8.self)), "\(place)")
            }
        }
    }

    @Test func keysOfSeveralIssuersStandBesideEachOther() async throws {
        let issuers = try await [Issuer(.rsa, id: "a"), Issuer(.ecdsa, id: "b"), Issuer(.edDSA, id: nil)]
        let keys = try await self.keys(issuers[0], issuers[1], issuers[2], secret: Self.secret)
        for issuer in issuers { #expect(self.fault(keys, try await issuer.token()) == nil) }
        let own = try await keys.sign(subject: "u_1", scopes: [], expires: nil)
        #expect(try await keys.subject(own) == "u_1")
        // The kid of another's key, an unknown kid, and none at all.
        #expect(self.isRefused(keys, try await issuers[0].token(id: "b")))
        #expect(self.isRefused(keys, try await issuers[0].token(id: "c")))
        #expect(self.fault(keys, try await issuers[0].token(id: .some(nil))) == nil)
        #expect(self.fault(keys, try await issuers[2].token(id: "c")) == nil)
        let stranger = try await Issuer(.ecdsa, id: "b")
        #expect(self.isRefused(keys, try await stranger.token()))
    }

    /// The public key, which everybody has, used as a secret: with every form in which a hub might hold it.
    @Test(arguments: ["k1", nil])
    func aPublicKeyIsNoSecret(_ id: String?) async throws {
        let issuer = try await Issuer(.rsa, id: id)
        let keys = try await self.keys(issuer)
        let modulus = try #require(issuer.jwk.split(separator: "\"").first { $0.count > 300 })
        for secret in [issuer.pem, issuer.pem + "\n", String(modulus), issuer.jwk] {
            let forger = JWTKeyCollection()
            await forger.add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256)
            for kid in [id, nil, "k1"] {
                var header = JWTHeader()
                if let kid { header.kid = kid }
                let token = try await forger.sign(Claims(sub: "u_42", exp: nil, scope: "publish:*"), header: header)
                #expect(self.isRefused(keys, token))
            }
        }
    }

    /// Header, whether the signature is right for HS256, and whether it is taken.
    @Test(arguments: [
        (#"{"alg":"HS256"}"#, true), (#"{"alg":"HS256","typ":"JWT","kid":"any"}"#, true),
        (#"{"alg":"none"}"#, false), (#"{"alg":"None"}"#, false), (#"{"alg":"hs256"}"#, false), (#"{"alg":""}"#, false),
        (#"{"alg":"RS256"}"#, false), (#"{"alg":"HS512"}"#, false), (#"{"alg":"ES256"}"#, false), (#"{}"#, false),
        (#"{"alg":5}"#, false), (#"{"alg":"HS256","crit":["exp"]}"#, false), (#"{"alg":"HS256","alg":"none"}"#, false),
        (#"["HS256"]"#, false), (#"HS256"#, false), (#"{"alg":"HS256"} x"#, false),
        (#"{"alg":"HS256","kid":"\#(String(repeating: "k", count: 300))"}"#, false),
    ])
    func theHeaderIsTakenAtItsWordOnlyWhereItIsOurs(_ header: String, _ isGood: Bool) async throws {
        let token = self.signed(header, #"{"sub":"u_42"}"#)
        #expect((self.fault(TokenKeys(secret: Self.secret), token) == nil) == isGood)
        // The same without its signature.
        let bare = token.split(separator: ".").prefix(2).joined(separator: ".") + "."
        #expect(self.isRefused(TokenKeys(secret: Self.secret), bare))
    }

    @Test(arguments: [
        "", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d", "e30.e30.e30", "=.=.=", "é.é.é",
        String(repeating: "a", count: 20_000), "eyJhbGciOiJIUzI1NiJ9.e30.", "eyJhbGciOiJIUzI1NiJ9..x",
    ])
    func whatIsNoTokenIsRefused(_ text: String) {
        #expect(self.isRefused(TokenKeys(secret: Self.secret), text))
    }

    /// A token has one spelling: padding, other alphabets and spare bits are refused.
    @Test func otherSpellingsOfAGoodTokenAreRefused() {
        let keys = TokenKeys(secret: Self.secret)
        let token = self.signed(#"{"alg":"HS256"}"#, #"{"sub":"u_42"}"#)
        #expect(self.fault(keys, token) == nil)
        // 32 bytes are 43 digits, the last of which has two spare bits.
        var last = Array(token.utf8)
        last[last.count - 1] += 1
        for other in [token + "=", token + " ", " " + token, String(decoding: last, as: UTF8.self), token + "."] {
            #expect(self.isRefused(keys, other), "\(other)")
        }
    }

    /// Members of the payload, with the time 1800000000, and what is said.
    @Test(
        arguments: [
            (#""sub":"u_42""#, nil), (#""sub":"u_42","exp":1800000001"#, nil),
            (#""sub":"u_42","exp":1800000001.5"#, nil),
            (#""sub":"u_42","exp":1.9e9"#, nil), (#""sub":"u_42","nbf":1800000030"#, nil),
            (#""sub":"u_42","iat":1800000030"#, nil), (#""sub":"u_42","scope":["a","b"]"#, nil),
            (#""sub":"u_42","exp":null,"aud":"x","iss":"y"#, "not JSON"), (#""sub":"u_42","exp":null"#, nil),
            (#""sub":"u_42","exp":1800000000"#, "expired"), (#""sub":"u_42","exp":1800000000.5"#, "expired"),
            (#""sub":"u_42","exp":-9223372036854775808"#, "expired"), (#""sub":"u_42","exp":-1e300"#, "expired"),
            (#""sub":"u_42","exp":9223372036854775807"#, nil), (#""sub":"u_42","exp":1e300"#, nil),
            (#""sub":"u_42","exp":"1900000000""#, "exp"), (#""sub":"u_42","exp":true"#, "exp"),
            (#""sub":"u_42","nbf":1800000031"#, "not valid yet"),
            (#""sub":"u_42","nbf":9223372036854775807"#, "not valid yet"),
            (#""sub":"u_42","nbf":-9223372036854775808"#, nil), (#""sub":"u_42","iat":1800000031"#, "future"),
            (#""sub":"u_42","iat":"x""#, "iat"), (#""sub":"u_42","jti":5"#, "jti"),
            (#""sub":"u_42","scope":5"#, "scope"),
            (#""sub":"u_42","aud":[5]"#, "aud"), (#""exp":1900000000"#, "subject"), (#""sub":5"#, "subject"),
            (#""sub":"""#, "subject"), (#""sub":"a\u0000b""#, "subject"), (#""sub":"a","sub":"b""#, "not JSON"),
        ] as [(String, String?)]
    )
    func claimsAreReadStrictly(_ members: String, _ says: String?) {
        let token = self.signed(#"{"alg":"HS256"}"#, "{\(members)}")
        let fault = self.fault(TokenKeys(secret: Self.secret), token)
        switch (fault, says) {
        case (nil, nil), (.expired, "expired"): break
        case (.invalid(let text), let says?): #expect(text.contains(says))
        default: Issue.record("\(String(describing: fault))")
        }
    }

    /// Claims beside the subject, under rules that ask for all there is to ask.
    @Test(arguments: [
        (#""iss":"https://id","aud":"hub","iat":1799999000"#, true),
        (#""iss":"https://id","aud":["x","hub2"],"iat":1799999000"#, true),
        (#""iss":"https://id","aud":["x"],"iat":1799999000"#, false), (#""iss":"https://id","iat":1799999000"#, false),
        (#""iss":"https://id/","aud":"hub","iat":1799999000"#, false), (#""aud":"hub","iat":1799999000"#, false),
        (#""iss":"https://id","aud":"hub""#, false), (#""iss":"https://id","aud":"hub","iat":1799996400"#, false),
        (#""iss":"https://id","aud":"hub","iat":-9223372036854775808"#, false),
        (#""iss":"https://id","aud":"hub","iat":1799996401"#, true),
    ])
    func rulesAreKept(_ members: String, _ isGood: Bool) {
        var rules = TokenRules()
        rules.issuer = "https://id"
        rules.audiences = ["hub", "hub2"]
        rules.maxAge = .seconds(3600)
        let token = self.signed(#"{"alg":"HS256"}"#, #"{"sub":"u_42",\#(members)}"#)
        let keys = TokenKeys(secret: Self.secret, rules: rules)
        guard case .settled(let result) = keys.verdict(on: token, now: Self.now) else { return }
        let isTaken = (try? result.get()) != nil
        #expect(isTaken == isGood)
        // It ends when it is too old, if not before.
        if case .success(let principal) = result {
            #expect(principal.expires.map { $0 <= Self.now.advanced(by: .seconds(3600)) } == true)
        }
    }

    @Test func keysOfOtherKindsInASetAreLeftOut() async throws {
        let issuer = try await Issuer(.ecdsa, id: "good")
        let others = [
            #"{"kty":"oct","k":"c2VjcmV0","kid":"good"}"#, #"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#,
            #"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#, #"{"kty":"OKP","crv":"X25519","x":"AAAA"}"#, "5", "null", "{}",
            issuer.jwk.replacing("\"kty\"", with: "\"use\":\"enc\",\"kty\""),
            issuer.jwk.replacing("\"kty\"", with: "\"alg\":\"ES384\",\"kty\""),
            issuer.jwk.replacing("\"kty\"", with: "\"key_ops\":[\"sign\"],\"kty\""),
        ]
        #expect(try await KeySet(jwks: Issuer.set(issuer, more: others)).keys.count == 1)
        for text in [#"{"keys":[\#(others.joined(separator: ","))]}"#, "{}", "[]", "", #"{"keys":{}}"#, "\u{0}"] {
            await #expect(throws: KeySet.Invalid.self) { try await KeySet(jwks: Array(text.utf8)) }
        }
        let many = Array(repeating: issuer.jwk, count: 100)
        #expect(try await KeySet(jwks: Issuer.set(issuer, more: many)).keys.count == 64)
    }

    @Test func filesOfKeys() async throws {
        let rsa = try await Issuer(.rsa, id: nil)
        let token = try await rsa.token()
        let set = try await KeySet(file: Issuer.certificate, id: nil)
        #expect(self.fault(TokenKeys(secret: nil, keys: set.keys), token) == nil)
        let jwks = String(decoding: Issuer.set(rsa), as: UTF8.self)
        #expect(try await KeySet(file: "\n " + jwks, id: nil).keys.count == 1)
        let refused = [
            (jwks, "k", "own ids"), (Issuer.smallKey, nil, "2048"), ("hello", nil, "neither PEM"), ("", nil, "empty"),
            (" \n", nil, "empty"), (#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#, nil, "secret (oct)"),
            (String(decoding: Issuer.set(rsa, more: [Issuer.smallJWK]), as: UTF8.self), nil, "2048"),
            (
                String(decoding: Issuer.set(rsa, more: [#"{"kty":"oct","k":"c2VjcmV0","kid":"s"}"#]), as: UTF8.self),
                nil,
                "\"s\""
            ),
            (P256.Signing.PrivateKey().pemRepresentation, nil, "private key"),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", nil, "not a public key"),
        ]
        for (text, id, says) in refused {
            let invalid = await #expect(throws: KeySet.Invalid.self) { try await KeySet(file: text, id: id) }
            #expect(invalid?.description.contains(says) == true, "\(says)")
        }
    }

    /// A token signed for HS256, whatever its header says.
    private func signed(_ header: String, _ payload: String) -> String {
        let text = Issuer.text(Data(header.utf8)) + "." + Issuer.text(Data(payload.utf8))
        let key = SymmetricKey(data: Data(Self.text.utf8))
        let mac = HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key)
        return text + "." + Issuer.text(Data(mac))
    }
}
