// SPDX-License-Identifier: Apache-2.0

import Hub
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

    package init(sub: String, exp: Int?, nbf: Int? = nil, scope: String?) {
        self.sub = sub
        self.exp = exp
        self.nbf = nbf
        self.scope = scope
    }

    /// Times are checked by ``TokenKeys``, which tells an expired token from a bad one.
    package func verify(using algorithm: some JWTAlgorithm) async throws {}
}
