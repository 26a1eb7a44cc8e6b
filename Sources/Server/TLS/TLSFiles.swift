// SPDX-License-Identifier: Apache-2.0

/// Paths of the PEM files for TLS.
package struct TLSFiles: Sendable, Equatable {
    /// The certificate chain, server certificate first.
    package var certificate: String
    /// The private key of the certificate.
    package var key: String
    /// CA certificates for client certificates; nil requests none.
    package var clientAuthority: String?

    package init(certificate: String, key: String, clientAuthority: String? = nil) {
        self.certificate = certificate
        self.key = key
        self.clientAuthority = clientAuthority
    }

    var paths: [String] {
        [self.certificate, self.key] + (self.clientAuthority.map { [$0] } ?? [])
    }
}
