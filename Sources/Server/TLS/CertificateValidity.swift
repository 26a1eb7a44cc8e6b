// SPDX-License-Identifier: Apache-2.0

package import EventLog
import NIOSSL

/// Validity period of a certificate.
package struct CertificateValidity: Sendable, Equatable {
    package let begin: Timestamp
    package let end: Timestamp

    package init(begin: Timestamp, end: Timestamp) {
        self.begin = begin
        self.end = end
    }

    /// Reads the validity of all certificates in a PEM file, in order.
    package static func read(_ path: String) throws -> [CertificateValidity] {
        try NIOSSLCertificate.fromPEMFile(path).map { certificate in
            CertificateValidity(
                begin: Timestamp(nanoseconds: 0).advanced(by: .seconds(certificate.notValidBefore)),
                end: Timestamp(nanoseconds: 0).advanced(by: .seconds(certificate.notValidAfter))
            )
        }
    }
}
