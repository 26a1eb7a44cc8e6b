// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON

/// Requirements of a token in addition to a valid signature.
package struct TokenRules: Sendable, Equatable {
    /// How far an issuer's clock may be ahead, in seconds.
    private static let leeway = 30

    /// Required issuer (`iss`); nil accepts any issuer whose key is known.
    package var issuer: String?
    /// Accepted audiences (`aud`); empty accepts any.
    package var audiences: [String] = []
    /// Maximum age, counted from `iat`; nil leaves that to the issuer.
    package var maxAge: Duration?

    package init() {}

    /// Checks the claims and returns the principal.
    func principal(of claims: Claims, now: Timestamp) throws(TokenFault) -> Principal {
        let second = Int(now.nanoseconds / 1_000_000_000)
        var end = claims.exp
        if let maxAge {
            guard let issued = claims.iat else { throw .invalid("the token does not say when it was issued (\"iat\")") }
            let (oldest, isBeyond) = issued.addingReportingOverflow(Int(maxAge.components.seconds))
            end = min(end ?? .max, isBeyond ? .max : oldest)
        }
        if let end, end <= second {
            throw .expired
        }
        if let notBefore = claims.nbf, notBefore > second + Self.leeway {
            throw .invalid("the token is not valid yet")
        }
        // A token with a time of issue in the future would outlive revocations.
        if let issued = claims.iat, issued > second + Self.leeway {
            throw .invalid("the token was issued in the future")
        }
        if let issuer, claims.iss?.hasSameBytes(as: issuer) != true {
            throw .invalid("the token is from another issuer")
        }
        if !self.audiences.isEmpty {
            let isForUs = claims.aud?.contains { audience in
                self.audiences.contains { $0.hasSameBytes(as: audience) }
            }
            guard isForUs == true else { throw .invalid("the token is for another audience") }
        }
        guard ChannelName.isValidKey(claims.sub) else {
            throw .invalid("the token's subject is empty, too long or has control characters")
        }
        let scopes = claims.scope.map { $0.split(separator: " ").map(String.init) } ?? []
        return Principal(
            subject: claims.sub,
            scopes: Set(scopes),
            expires: end.map { Timestamp.epoch.advanced(by: .seconds($0)) },
            issued: claims.iat.map { Timestamp.epoch.advanced(by: .seconds($0)) },
            tokenID: claims.jti
        )
    }
}

extension Timestamp {
    fileprivate static let epoch = Timestamp(nanoseconds: 0)
}
