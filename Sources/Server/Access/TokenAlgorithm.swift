// SPDX-License-Identifier: Apache-2.0

/// The signature algorithms that the hub takes (RFC 7518 §3.1, RFC 8037 §3.1).
///
/// `none` is not among them, nor is any other; a key is of one of them, and a token that names another than its key's
/// is refused whatever its signature.
package enum TokenAlgorithm: String, Sendable, CaseIterable {
    case hs256 = "HS256"
    case rs256 = "RS256"
    case es256 = "ES256"
    case edDSA = "EdDSA"
}
