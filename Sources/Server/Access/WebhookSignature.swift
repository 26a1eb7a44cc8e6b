// SPDX-License-Identifier: Apache-2.0

import Crypto
import EventLog
import FoundationEssentials
package import Hub
import JSON

/// The `Broadtape-Signature` of a request: `t=1700000000,v1=5257a8…`, where `t` is the time of signing, in seconds
/// since 1970, and `v1` is the HMAC-SHA-256 of `t`, a full stop and the body, in hexadecimal. `v1` may be repeated,
/// once for each secret of the sender; members with other names are ignored.
///
/// Only `t` and the body are signed. Nothing else in the request may determine its events or their IDs: anyone who sees
/// a signed request can replay it with other header fields.
package struct WebhookSignature: Sendable, Equatable {
    /// Maximum age of a signature, and how far the sender's clock may be ahead, in seconds.
    package static let tolerance = 300
    private static let maxSignatures = 4
    private static let maxLength = 1_024

    /// The unparsed text, because that is what was signed.
    private let time: String
    private let seconds: Int
    private let signatures: [[UInt8]]

    /// - Parameter fields: The values of all fields of the name.
    package init(_ fields: [String]) throws(TokenFault) {
        guard let field = fields.first, fields.count == 1 else {
            throw .invalid("there are \(fields.count) Broadtape-Signature fields; send one")
        }
        guard field.utf8.count <= Self.maxLength else { throw .invalid("Broadtape-Signature is too long") }
        var times: [String] = []
        var signatures: [[UInt8]] = []
        for member in field.split(separator: ",") {
            let parts = member.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            switch parts[0].filter({ $0 != " " }) {
            case "t": times.append(String(parts[1]))
            case "v1": if let bytes = Hex.decode(parts[1].filter { $0 != " " }) { signatures.append(bytes) }
            default: continue
            }
        }
        guard let time = times.first, times.count == 1, let seconds = Int(decimal: time, in: .seq),
            (1...Self.maxSignatures).contains(signatures.count)
        else { throw .invalid("Broadtape-Signature has the form t=SECONDS,v1=HMAC") }
        self.time = time
        self.seconds = seconds
        self.signatures = signatures
    }

    func checkAge(now: Timestamp) throws(TokenFault) {
        let present = Int(now.nanoseconds / 1_000_000_000)
        guard (present - Self.tolerance...present + Self.tolerance).contains(self.seconds) else {
            throw .invalid("the signature is not from the last \(Self.tolerance) seconds; sign the request again")
        }
    }

    /// The signed part of a request.
    func signed(_ body: [UInt8]) -> [UInt8] {
        Array(self.time.utf8) + [UInt8(ascii: ".")] + body
    }

    /// Compares in constant time.
    /// - Parameter signed: The result of ``signed(_:)``.
    func isMade(with key: SymmetricKey, of signed: [UInt8]) -> Bool {
        let code = HMAC<SHA256>.authenticationCode(for: signed, using: key)
        return self.signatures.contains { code == $0 }
    }

    /// ID of a signed request, used as the prefix of IDs for events without one. A replay of the request within the
    /// tolerance, to any node, is therefore a duplicate. The ID depends on the signed bytes only, not on which of
    /// several signatures is sent.
    func name(of body: [UInt8]) -> String {
        "w-" + Hex.encode(SHA256.hash(data: self.signed(body)).prefix(16))
    }
}
