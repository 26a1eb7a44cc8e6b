// SPDX-License-Identifier: Apache-2.0

import Hub
import JSON
package import JWTKit

/// What a token says (RFC 7519), as far as the hub cares.
package struct Claims: JWTPayload {
    /// The user or service.
    package var sub: String
    /// Seconds since 1970 from when on the token is refused.
    package var exp: Int?
    /// Seconds since 1970 before which the token is refused.
    package var nbf: Int?
    /// Scopes separated by spaces (RFC 8693 §4.2).
    package var scope: String?
    /// Seconds since 1970 when it was issued.
    package var iat: Int?
    /// Names the token, so that it can be revoked.
    package var jti: String?
    /// Who issued it.
    package var iss: String?
    /// Whom it is for.
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

    /// Reads the payload of a token whose signature is good. A member that is not what it should be is a fault: what
    /// limits a token must not be overlooked.
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

    /// Seconds since 1970 that are a time within 64 bits of nanoseconds; beyond, a time is as good as its end.
    private static let times = -9_223_372_036...9_223_372_036

    /// A NumericDate (RFC 7519 §2), which may have a fraction; that is left out.
    private static func seconds(_ name: String, in value: JSON.Value) throws(TokenFault) -> Int? {
        guard let member = Self.member(name, in: value) else { return nil }
        if let seconds = member.integer(in: Self.times) { return seconds }
        let every = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
        guard let seconds = member.number.flatMap({ Double(decimal: $0, in: every) }) else {
            throw .invalid("the token's \"\(name)\" is not a number of seconds")
        }
        return Int(clamping: seconds.rounded(.down), to: Self.times)
    }

    /// Times are checked by ``TokenRules``, which tell an expired token from a bad one.
    package func verify(using algorithm: some JWTAlgorithm) async throws {}
}
