// SPDX-License-Identifier: Apache-2.0

package import NIOSSL

/// The certificates of a client, for an address with TLS: PEM files.
public struct ClientTLS: Sendable, Equatable {
    /// The certificates to trust; nil trusts those of the system.
    public var trustRoots: String?
    /// The client's own certificate, followed by those that lead from it to one that the server trusts.
    public var certificate: String?
    /// The key of the certificate.
    public var key: String?

    /// Creates the configuration; without arguments it trusts the system's certificates and presents none.
    public init(trustRoots: String? = nil, certificate: String? = nil, key: String? = nil) {
        self.trustRoots = trustRoots
        self.certificate = certificate
        self.key = key
    }

    /// Why the files cannot be used.
    struct Invalid: Error, CustomStringConvertible {
        let description: String
    }

    /// Reads the files of the client's own certificate.
    package func configuration() throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let trustRoots { configuration.trustRoots = .file(trustRoots) }
        guard (self.certificate == nil) == (self.key == nil) else {
            throw Invalid(description: "a client certificate and its key go together")
        }
        if let certificate, let key {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
        }
        return configuration
    }
}
