// SPDX-License-Identifier: Apache-2.0

import Hub
import JSON

/// The parts of a token in compact form (RFC 7515 §7.1). They are untrusted until the signature is verified.
struct CompactToken {
    /// Maximum length of a token, in bytes.
    static let maxLength = 16 << 10
    /// Maximum length of a `kid`, in bytes.
    private static let maxKeyIDLength = 256

    let algorithm: TokenAlgorithm
    /// ID of the issuer's key that signed it.
    let keyID: String?
    /// The signed bytes.
    let signed: ArraySlice<UInt8>
    let payload: [UInt8]
    let signature: [UInt8]

    init(_ text: String) throws(TokenFault) {
        guard text.utf8.count <= Self.maxLength else {
            throw .invalid("the token has \(text.utf8.count) bytes, the limit is \(Self.maxLength)")
        }
        let bytes = Array(text.utf8)
        let dot = UInt8(ascii: ".")
        guard let first = bytes.firstIndex(of: dot), let last = bytes.lastIndex(of: dot), first < last,
            let head = Base64URL.decode(bytes[..<first]),
            let payload = Base64URL.decode(bytes[(first + 1)..<last]),
            let signature = Base64URL.decode(bytes[(last + 1)...])
        else { throw .invalid("the token is not a signed JWT in compact form (RFC 7515)") }
        let header: JSON.Value
        do throws(JSON.Fault) {
            header = try JSON.Value.parse(head, maxDepth: 4)
        } catch {
            throw .invalid("the token's header is not JSON")
        }
        guard let name = header["alg"]?.string else { throw .invalid("the token's header names no algorithm") }
        guard let algorithm = TokenAlgorithm(rawValue: name) else {
            let known = TokenAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid("tokens are signed by \(known), not by \"\(name.prefix(16))\"")
        }
        // Critical extensions (RFC 7515 §4.1.11); the hub supports none.
        guard header["crit"] == nil else { throw .invalid("the token needs extensions that the hub does not support") }
        self.algorithm = algorithm
        self.keyID = header["kid"]?.string
        self.signed = bytes[..<last]
        self.payload = payload
        self.signature = signature
        guard (self.keyID?.utf8.count ?? 0) <= Self.maxKeyIDLength else {
            throw .invalid("the token's key id is longer than \(Self.maxKeyIDLength) bytes")
        }
    }
}
