// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import JWTKit
import Secrets
import Server

/// Makes good and bad tokens.
struct Tokens: Sendable {
    private static let text = "a secret of the tests that is long enough for SHA-512 as well: 64 bytes and more"

    let keys: TokenKeys

    init() async throws {
        self.keys = TokenKeys(secret: try Secret(Self.text))
    }

    /// A token that is good for an hour, or for as long as asked.
    func user(_ subject: String, _ scopes: String..., for life: Duration = .seconds(3600)) async throws -> String {
        try await self.keys.sign(subject: subject, scopes: scopes, expires: Timestamp.now.advanced(by: life))
    }

    /// A publisher's token, who may publish for others.
    func publisher(_ subject: String = "payments") async throws -> String {
        try await self.user(subject, "publish:*", "source:*")
    }

    /// One of another hub.
    func foreign(_ subject: String) async throws -> String {
        let keys = TokenKeys(secret: try Secret("another secret, which has thirty-two bytes and more as well"))
        return try await keys.sign(subject: subject, scopes: ["publish:*"], expires: nil)
    }

    /// Signed with the right secret, by an algorithm that the hub does not use.
    func signedBySHA512(_ subject: String) async throws -> String {
        let keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(from: Self.text), digestAlgorithm: .sha512)
        return try await keys.sign(Claims(sub: subject, exp: nil, scope: "publish:*"))
    }

    /// Signed as it should be, with any claims.
    func signed(_ claims: Claims) async throws -> String {
        let keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(from: Self.text), digestAlgorithm: .sha256)
        return try await keys.sign(claims)
    }

    /// A good token whose payload was exchanged for one with more rights.
    func tampered(_ subject: String) async throws -> String {
        let parts = try await self.user(subject).split(separator: ".").map(String.init)
        let payload = Self.base64URL(#"{"sub":"\#(subject)","scope":"publish:*"}"#)
        return [parts[0], payload, parts[2]].joined(separator: ".")
    }

    /// Not signed at all (RFC 7519 §6).
    func unsigned(_ subject: String, algorithm: String) -> String {
        let header = Self.base64URL(#"{"alg":"\#(algorithm)","typ":"JWT"}"#)
        return "\(header).\(Self.base64URL(#"{"sub":"\#(subject)","scope":"publish:*"}"#))."
    }

    private static func base64URL(_ text: String) -> String {
        Data(text.utf8).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
