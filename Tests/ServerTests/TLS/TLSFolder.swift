// SPDX-License-Identifier: Apache-2.0

import Foundation
import Server
import TestSupport

/// A folder with certificates of one test.
struct TLSFolder: Sendable {
    let url: URL

    func path(_ name: String) -> String {
        self.url.appendingPathComponent(name).path
    }

    /// Writes a file whole, as a careful operator does: beside it, then renamed over it.
    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: self.url.appendingPathComponent(name), options: .atomic)
        return self.path(name)
    }

    /// Writes a certificate and its key, and says where they are.
    func files(_ certificate: TestCertificate, clientAuthority: TestCertificate? = nil) throws -> TLSFiles {
        TLSFiles(
            certificate: try self.write(certificate.certificate, to: "hub.pem"),
            key: try self.write(certificate.key, to: "hub.key"),
            clientAuthority: try clientAuthority.map { try self.write($0.certificate, to: "clients.pem") }
        )
    }
}

func withTLSFolder(_ body: (TLSFolder) async throws -> Void) async throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("tls-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    try await body(TLSFolder(url: url))
}
