// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The secret that tokens are signed with, and the file it is kept in.
enum Secret {
    /// Least length that RFC 7518 §3.2 allows for HS256, in bytes.
    static let recommendedLength = 32

    /// Reads a secret; surrounding white space does not count.
    static func read(_ path: String) throws(ConfigurationFault) -> String {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw ConfigurationFault("\(path): the secret cannot be read (\(error.localizedDescription))")
        }
        let secret = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !secret.isEmpty else { throw ConfigurationFault("\(path): the secret is empty") }
        return secret
    }

    /// Reads a secret, or makes one that only the owner can read.
    static func readOrMake(_ path: String) throws(ConfigurationFault) -> String {
        if FileManager.default.fileExists(atPath: path) {
            return try Self.read(path)
        }
        let words = (0..<4).map { _ in UInt64.random(in: .min ... .max) }
        let secret = words.map { String($0, radix: 16) }.map { String(repeating: "0", count: 16 - $0.count) + $0 }
            .joined()
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw ConfigurationFault("\(folder.path): cannot be made (\(error.localizedDescription))")
        }
        guard
            FileManager.default.createFile(
                atPath: path,
                contents: Data((secret + "\n").utf8),
                attributes: [.posixPermissions: 0o600]
            )
        else { throw ConfigurationFault("\(path): the secret cannot be written") }
        return secret
    }
}
