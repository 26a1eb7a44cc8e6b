// SPDX-License-Identifier: Apache-2.0

/// The supported signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1).
///
/// `none` is not supported. Each key is bound to one algorithm, and a token with another algorithm is refused whatever
/// its signature.
package enum TokenAlgorithm: String, Sendable, CaseIterable {
    case hs256 = "HS256"
    case rs256 = "RS256"
    case es256 = "ES256"
    case edDSA = "EdDSA"
}
