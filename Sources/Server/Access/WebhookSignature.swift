// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
package import Hub
import JSON

/// The `Broadtape-Signature` of a request: `t=1700000000,v1=5257a8…`, where `t` is when it was signed, in seconds since
/// 1970, and `v1` is HMAC-SHA-256 of `t`, a full stop and the body, in hexadecimal. `v1` may be repeated, once for each
/// secret of the sender; members with other names are passed over.
package struct WebhookSignature: Sendable, Equatable {
    /// How old a signature may be, and how far ahead the sender's clock, in seconds.
    package static let tolerance = 300
    private static let maxSignatures = 4
    private static let maxLength = 1_024

    /// As it was written: that is what was signed.
    private let time: String
    private let seconds: Int
    private let signatures: [[UInt8]]

    package init(_ field: String) throws(TokenFault) {
        var time: String?
        var signatures: [[UInt8]] = []
        guard field.utf8.count <= Self.maxLength else { throw .invalid("Broadtape-Signature is too long") }
        for member in field.split(separator: ",") {
            let parts = member.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            switch parts[0].filter({ $0 != " " }) {
            case "t": time = String(parts[1])
            case "v1": if let bytes = Hex.decode(parts[1].filter { $0 != " " }) { signatures.append(bytes) }
            default: continue
            }
        }
        guard let time, let seconds = Int(decimal: time, in: .seq), !signatures.isEmpty,
            signatures.count <= Self.maxSignatures
        else {
            throw .invalid("Broadtape-Signature is written t=SECONDS,v1=HMAC")
        }
        self.time = time
        self.seconds = seconds
        self.signatures = signatures
    }

    func checkAge(now: Timestamp) throws(TokenFault) {
        let present = Int(now.nanoseconds / 1_000_000_000)
        guard (present - Self.tolerance...present + Self.tolerance).contains(self.seconds) else {
            throw .invalid("the signature is not of the last \(Self.tolerance) seconds; sign the request anew")
        }
    }

    /// Compares in constant time.
    func isMade(with key: SymmetricKey, of body: [UInt8]) -> Bool {
        let signed = Array(self.time.utf8) + [UInt8(ascii: ".")] + body
        return self.signatures.contains { signature in
            HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: signed, using: key)
        }
    }

    /// Names the signature: what begins the ids of events that came without one, so that the same request sent once more
    /// within the tolerance, to whichever node, is a duplicate.
    var name: String {
        "w-" + Hex.encode((self.signatures.first ?? []).prefix(16))
    }
}
