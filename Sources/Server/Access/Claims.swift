// SPDX-License-Identifier: Apache-2.0

import Hub
import JSON
package import JWTKit

/// The claims of a token (RFC 7519) that the hub uses.
package struct Claims: JWTPayload {
    /// The user or service.
    package var sub: String
    /// Expiry, in seconds since 1970.
    package var exp: Int?
    /// Start of validity, in seconds since 1970.
    package var nbf: Int?
    /// Scopes separated by spaces (RFC 8693 §4.2).
    package var scope: String?
    /// Time of issue, in seconds since 1970.
    package var iat: Int?
    /// ID of the token, used to revoke it.
    package var jti: String?
    /// Issuer.
    package var iss: String?
    /// Audiences.
    package var aud: [String]?

    package init(
        sub: String,
        exp: Int?,
        nbf: Int? = nil,
        scope: String?,
        iat: Int? = nil,
        jti: String? = nil,
        iss: String? = nil,
        aud: [String]? = nil
    ) {
        self.sub = sub
        self.exp = exp
        self.nbf = nbf
        self.scope = scope
        self.iat = iat
        self.jti = jti
        self.iss = iss
        self.aud = aud
    }

    /// Parses the payload of a token with a valid signature. A member of the wrong type is an error, because a claim
    /// that limits the token must not be ignored.
    init(payload: [UInt8]) throws(TokenFault) {
        let value: JSON.Value
        do throws(JSON.Fault) {
            value = try JSON.Value.parse(payload)
        } catch {
            throw .invalid("the token's payload is not JSON")
        }
        guard let subject = value["sub"]?.string else { throw .invalid("the token has no subject") }
        self.init(
            sub: subject,
            exp: try Self.seconds("exp", in: value),
            nbf: try Self.seconds("nbf", in: value),
            scope: try Self.words("scope", in: value)?.joined(separator: " "),
            iat: try Self.seconds("iat", in: value),
            jti: try Self.text("jti", in: value),
            iss: try Self.text("iss", in: value),
            aud: try Self.words("aud", in: value)
        )
    }

    private static func member(_ name: String, in value: JSON.Value) -> JSON.Value? {
        value[name].flatMap { $0.isNull ? nil : $0 }
    }

    private static func text(_ name: String, in value: JSON.Value) throws(TokenFault) -> String? {
        guard let member = Self.member(name, in: value) else { return nil }
        guard let text = member.string else { throw .invalid("the token's \"\(name)\" is not a string") }
        return text
    }

    /// A string, or an array of strings.
    private static func words(_ name: String, in value: JSON.Value) throws(TokenFault) -> [String]? {
        guard let member = Self.member(name, in: value) else { return nil }
        if let text = member.string { return [text] }
        let words = member.elements.compactMap(\.string)
        guard member.kind == .array, words.count == member.count else {
            throw .invalid("the token's \"\(name)\" is neither a string nor an array of strings")
        }
        return words
    }

    /// Seconds since 1970 that fit 64 bits of nanoseconds; times beyond are clamped.
    private static let times = -9_223_372_036...9_223_372_036

    /// A NumericDate (RFC 7519 §2); a fraction is discarded.
    private static func seconds(_ name: String, in value: JSON.Value) throws(TokenFault) -> Int? {
        guard let member = Self.member(name, in: value) else { return nil }
        if let seconds = member.integer(in: Self.times) { return seconds }
        let every = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
        guard let seconds = member.number.flatMap({ Double(decimal: $0, in: every) }) else {
            throw .invalid("the token's \"\(name)\" is not a number of seconds")
        }
        return Int(clamping: seconds.rounded(.down), to: Self.times)
    }

    /// Does nothing: ``TokenRules`` check the times and distinguish expired from invalid tokens.
    package func verify(using algorithm: some JWTAlgorithm) async throws {}
}
