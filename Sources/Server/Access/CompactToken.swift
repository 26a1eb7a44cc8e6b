// SPDX-License-Identifier: Apache-2.0

import Hub
import JSON

/// A token in compact form (RFC 7515 §7.1), taken apart: nothing in it is to be believed before its signature is.
struct CompactToken {
    /// Longest token, in bytes.
    static let maxLength = 16 << 10
    /// Longest `kid`, in bytes.
    private static let maxKeyIDLength = 256

    let algorithm: TokenAlgorithm
    /// Which key of its issuer signed it.
    let keyID: String?
    /// What the signature is of.
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
        // Extensions that must be understood (RFC 7515 §4.1.11); none is.
        guard header["crit"] == nil else { throw .invalid("the token needs extensions that the hub does not know") }
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
