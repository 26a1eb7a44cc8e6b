// SPDX-License-Identifier: Apache-2.0

import NIOSSL
import Synchronization

/// Server-side TLS of the listener: 1.2 and later, for HTTP/1.1, with certificates that can be reloaded at runtime.
///
/// Reloaded files apply to new connections; existing connections are not affected.
package final class ServerTLS: Sendable {
    /// Why the files cannot be used, with the name of the file.
    package struct Fault: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    private let files: TLSFiles
    private let present: Mutex<NIOSSLContext>

    /// Reads the files.
    package init(_ files: TLSFiles) throws(Fault) {
        self.files = files
        self.present = Mutex(try Self.context(files))
    }

    /// The context of new connections.
    var context: NIOSSLContext {
        self.present.withLock { $0 }
    }

    private static func context(_ files: TLSFiles) throws(Fault) -> NIOSSLContext {
        let chain = try Self.read(files.certificate, "no certificate chain in PEM") {
            try NIOSSLCertificate.fromPEMFile($0)
        }
        guard !chain.isEmpty else {
            throw Fault(description: "\(files.certificate): it holds no certificate")
        }
        let key = try Self.read(files.key, "no private key in PEM") { try NIOSSLPrivateKey(file: $0, format: .pem) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if let authority = files.clientAuthority {
            let trusted = try Self.read(authority, "no certificates in PEM") { try NIOSSLCertificate.fromPEMFile($0) }
            guard !trusted.isEmpty else { throw Fault(description: "\(authority): it holds no certificate") }
            configuration.trustRoots = .certificates(trusted)
            // Clients without a certificate are served; clients with one of another authority are not.
            configuration.certificateVerification = .optionalVerification
            configuration.sendCANameList = true
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw Fault(description: "\(files.key): not the key of \(files.certificate), or TLS refuses them")
        }
    }

    private static func read<Contents>(
        _ path: String,
        _ fault: String,
        _ read: (String) throws -> Contents
    ) throws(Fault) -> Contents {
        do {
            return try read(path)
        } catch {
            throw Fault(description: "\(path): it cannot be read, or holds \(fault)")
        }
    }
}

extension ServerTLS: Reloading {
    package var paths: [String] { self.files.paths }

    package func reload() throws {
        let context = try Self.context(self.files)
        self.present.withLock { $0 = context }
    }
}
