// SPDX-License-Identifier: Apache-2.0

/// Where an operator keeps what TLS needs, all of it PEM.
package struct TLSFiles: Sendable, Equatable {
    /// The hub's certificate, followed by those that lead from it to a trusted one.
    package var certificate: String
    /// The private key of the certificate.
    package var key: String
    /// Who signs the certificates that clients may show; nil asks them for none.
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
