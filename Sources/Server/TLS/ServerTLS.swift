// SPDX-License-Identifier: Apache-2.0

import NIOSSL
import Synchronization

/// Server-side TLS of the listener: 1.2 and later, for HTTP/1.1, with certificates that can be reloaded at runtime.
///
/// Reloaded files apply to new connections; existing connections are not affected.
package final class ServerTLS: Sendable {
    /// Why files cannot be used, with the name of each.
    package struct Fault: Error, CustomStringConvertible {
        package var messages: [(path: String, message: String)]

        package var description: String { self.messages.map(\.message).joined(separator: "; ") }

        fileprivate init(_ path: String, _ message: String) {
            self.messages = [(path, "\(path): \(message)")]
        }
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
        // All files are read before a fault is thrown.
        let certificates = Self.certificates(files.certificate)
        let keys = Self.read(files.key, "no private key in PEM") { try NIOSSLPrivateKey(file: $0, format: .pem) }
        let authorities = files.clientAuthority.map(Self.certificates)
        let faults = [certificates.fault, keys.fault, authorities?.fault].compactMap { $0 }
        if var fault = faults.first {
            fault.messages = faults.flatMap(\.messages)
            throw fault
        }
        let (chain, key) = (try certificates.get(), try keys.get())
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if let trusted = try authorities?.get() {
            configuration.trustRoots = .certificates(trusted)
            // Clients without a certificate are served; clients with one of another authority are not.
            configuration.certificateVerification = .optionalVerification
            configuration.sendCANameList = true
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw Fault(files.key, "not the key of \(files.certificate), or TLS refuses them")
        }
    }

    private static func certificates(_ path: String) -> Result<[NIOSSLCertificate], Fault> {
        Self.read(path, "no certificate in PEM") { try NIOSSLCertificate.fromPEMFile($0) }
            .flatMap { $0.isEmpty ? .failure(Fault(path, "it holds no certificate")) : .success($0) }
    }

    private static func read<Contents>(
        _ path: String,
        _ fault: String,
        _ read: (String) throws -> Contents
    ) -> Result<Contents, Fault> {
        do {
            return .success(try read(path))
        } catch {
            return .failure(Fault(path, "it cannot be read, or holds \(fault)"))
        }
    }
}

extension Result {
    fileprivate var fault: Failure? {
        if case .failure(let fault) = self { fault } else { nil }
    }
}

extension ServerTLS: Reloading {
    package var paths: [String] { self.files.paths }

    package func reload() throws {
        let context = try Self.context(self.files)
        self.present.withLock { $0 = context }
    }
}
