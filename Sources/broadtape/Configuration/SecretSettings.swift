// SPDX-License-Identifier: Apache-2.0

import Foundation
import Secrets

/// Locations of the secrets that sign tokens and messages between nodes. Files are read only when needed: a command
/// that migrates the database may have no permission to read them.
struct SecretSettings {
    /// Secret of HS256 tokens, if given directly.
    let token: Secret?
    let tokenFile: String
    /// Whether the operator set the file's path. Such a file is never created.
    let isTokenFileChosen: Bool
    private let bus: Secret?
    /// The first one signs, all of them verify.
    let busFiles: [String]
    /// What sets them.
    private let places: [Setting: String]

    init(_ reader: inout SettingsReader) {
        self.token = Self.secret(.jwtSecret, &reader)
        self.tokenFile = reader.text(.jwtSecretFile) ?? ""
        self.isTokenFileChosen = reader.isSet(.jwtSecretFile)
        self.bus = Self.secret(.busSecret, &reader)
        self.busFiles = reader.text(.busSecretFile)?.split(whereSeparator: \.isWhitespace).map(String.init) ?? []
        self.places = [
            .jwtSecretFile: reader.place(of: .jwtSecretFile), .busSecretFile: reader.place(of: .busSecretFile),
        ]
        if self.tokenFile.isEmpty { reader.addError(.jwtSecretFile, "names no file; leave it out for the default") }
        if reader.isSet(.busSecretFile), !(1...2).contains(self.busFiles.count) {
            reader.addError(.busSecretFile, "names one file, or two during a rotation")
        }
        if reader.isSet(.busSecret), reader.isSet(.busSecretFile) {
            reader.addError(.busSecret, "is set together with bus-secret-file; leave one of them out")
        }
    }

    /// An empty secret is an error; it does not count as not set.
    private static func secret(_ setting: Setting, _ reader: inout SettingsReader) -> Secret? {
        guard let text = reader.text(setting) else { return nil }
        do throws(SecretLine.Invalid) {
            return try Secret(text)
        } catch {
            reader.addError(setting, error.description)
            return nil
        }
    }

    /// The token secret; nil if there are public keys and the secret is not set explicitly.
    /// - Parameter makes: Whether to create a missing default file; if false, the result is nil then.
    func tokenSecret(hasPublicKeys: Bool, makes: Bool) throws(ConfigurationFault) -> Secret? {
        if let token { return token }
        if self.isTokenFileChosen { return try self.readTokenFile() }
        if hasPublicKeys { return nil }
        if FileManager.default.fileExists(atPath: self.tokenFile) {
            return try self.readTokenFile()
        }
        guard makes else { return nil }
        try Self.make(self.tokenFile)
        return try self.readTokenFile()
    }

    /// The bus secrets: those set for the bus, else the token secret. The first one signs, all of them verify.
    func busSecrets(token: Secret?) throws(ConfigurationFault) -> [Secret] {
        if let bus { return [bus] }
        var secrets: [Secret] = []
        var errors: [String] = []
        for file in self.busFiles {
            do throws(ConfigurationFault) {
                secrets.append(try self.read(file, .busSecretFile))
            } catch {
                errors += error.errors
            }
        }
        guard errors.isEmpty else { throw ConfigurationFault(errors) }
        if secrets.isEmpty, let token { secrets = [token] }
        guard !secrets.isEmpty else {
            throw ConfigurationFault(
                "redis is set, and nodes sign their messages: set bus-secret-file to a file with a secret of "
                    + "\(Secret.leastLength) bytes or more, the same on all nodes"
            )
        }
        return secrets
    }

    func readTokenFile() throws(ConfigurationFault) -> Secret {
        try self.read(self.tokenFile, .jwtSecretFile)
    }

    private func read(_ path: String, _ setting: Setting) throws(ConfigurationFault) -> Secret {
        do throws(SecretLine.Invalid) {
            return try Secret(file: path)
        } catch {
            throw ConfigurationFault("\(self.places[setting] ?? ""): \(setting.rawValue): \(error)")
        }
    }

    /// Creates a secret in a file that only its owner can read.
    private static func make(_ path: String) throws(ConfigurationFault) {
        let words = (0..<4).map { _ in UInt64.random(in: .min ... .max) }
        let text = words.map { String($0, radix: 16) }.map { String(repeating: "0", count: 16 - $0.count) + $0 }
            .joined()
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw ConfigurationFault("\(folder.path): cannot be created (\(error.localizedDescription))")
        }
        guard
            FileManager.default.createFile(
                atPath: path,
                contents: Data((text + "\n").utf8),
                attributes: [.posixPermissions: 0o600]
            )
        else { throw ConfigurationFault("\(path): the secret cannot be written") }
    }
}

extension Settings {
    /// What is wrong with the secrets that `serve` needs; creates none.
    var secretErrors: [String] {
        let token: Secret?
        var errors: [String] = []
        do throws(ConfigurationFault) {
            token = try self.secrets.tokenSecret(hasPublicKeys: self.access.hasPublicKeys, makes: false)
        } catch {
            errors = error.errors
            token = nil
        }
        // `serve` creates the default file at startup.
        guard self.redis != nil, token != nil || !self.secrets.busFiles.isEmpty || self.access.hasPublicKeys else {
            return errors
        }
        do throws(ConfigurationFault) {
            _ = try self.secrets.busSecrets(token: token)
        } catch {
            errors += error.errors
        }
        return errors
    }
}
