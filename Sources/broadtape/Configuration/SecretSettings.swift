// SPDX-License-Identifier: Apache-2.0

import Foundation
import Secrets

/// Where the secrets are that tokens and the messages between nodes are signed with. Files are read by those who need
/// them only: a command that changes the database may not even be allowed to.
struct SecretSettings {
    /// Of HS256 tokens, as it was given itself.
    let token: Secret?
    let tokenFile: String
    /// Whether the place of the file was chosen by the operator, who then has to provide it.
    let isTokenFileChosen: Bool
    private let bus: Secret?
    /// The first is signed with, the others are taken as well.
    let busFiles: [String]

    init(_ reader: inout SettingsReader) {
        self.token = Self.secret(.jwtSecret, &reader)
        self.tokenFile = reader.text(.jwtSecretFile) ?? ""
        self.isTokenFileChosen = reader.isSet(.jwtSecretFile)
        self.bus = Self.secret(.busSecret, &reader)
        self.busFiles = reader.text(.busSecretFile)?.split(whereSeparator: \.isWhitespace).map(String.init) ?? []
        if self.tokenFile.isEmpty { reader.complain(.jwtSecretFile, "names no file; leave it out for the default") }
        if reader.isSet(.busSecretFile), !(1...2).contains(self.busFiles.count) {
            reader.complain(.busSecretFile, "names one file, or two while one secret is exchanged for another")
        }
        if reader.isSet(.busSecret), reader.isSet(.busSecretFile) {
            reader.complain(.busSecret, "stands beside bus-secret-file; leave one of them out")
        }
    }

    /// A secret that was set to nothing is no secret, rather than one that was not set.
    private static func secret(_ setting: Setting, _ reader: inout SettingsReader) -> Secret? {
        guard let text = reader.text(setting) else { return nil }
        do throws(SecretLine.Invalid) {
            return try Secret(text)
        } catch {
            reader.complain(setting, error.description)
            return nil
        }
    }

    /// The secret of tokens; nil where there are public keys and it was not asked for.
    /// - Parameter makes: Whether the default file is made where it is missing; otherwise there is none then.
    func tokenSecret(hasPublicKeys: Bool, makes: Bool) throws(ConfigurationFault) -> Secret? {
        if let token { return token }
        if self.isTokenFileChosen { return try Self.read(self.tokenFile, .jwtSecretFile) }
        if hasPublicKeys { return nil }
        if FileManager.default.fileExists(atPath: self.tokenFile) {
            return try Self.read(self.tokenFile, .jwtSecretFile)
        }
        return makes ? try Self.make(self.tokenFile) : nil
    }

    /// What nodes sign their messages with, and what else is taken: the bus' own secrets, or that of the tokens.
    func busSecrets(token: Secret?) throws(ConfigurationFault) -> [Secret] {
        if let bus { return [bus] }
        var secrets: [Secret] = []
        for file in self.busFiles { secrets.append(try Self.read(file, .busSecretFile)) }
        if secrets.isEmpty, let token { secrets = [token] }
        guard !secrets.isEmpty else {
            throw ConfigurationFault(
                "redis is set, and nodes sign what they tell each other: set bus-secret-file to a file with a secret of "
                    + "\(Secret.leastLength) bytes or more, the same for all nodes"
            )
        }
        return secrets
    }

    static func read(_ path: String, _ setting: Setting) throws(ConfigurationFault) -> Secret {
        do throws(SecretLine.Invalid) {
            return try Secret(file: path)
        } catch {
            throw ConfigurationFault("\(setting.rawValue): \(error)")
        }
    }

    /// Makes a secret in a file that only the owner can read.
    private static func make(_ path: String) throws(ConfigurationFault) -> Secret {
        let words = (0..<4).map { _ in UInt64.random(in: .min ... .max) }
        let text = words.map { String($0, radix: 16) }.map { String(repeating: "0", count: 16 - $0.count) + $0 }
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
                contents: Data((text + "\n").utf8),
                attributes: [.posixPermissions: 0o600]
            )
        else { throw ConfigurationFault("\(path): the secret cannot be written") }
        return try Self.read(path, .jwtSecretFile)
    }
}

extension Settings {
    /// Whether the secrets that `serve` would need are there and can be used; makes none.
    func checkSecrets() throws(ConfigurationFault) {
        let token = try self.secrets.tokenSecret(hasPublicKeys: self.access.hasPublicKeys, makes: false)
        guard self.redis != nil else { return }
        // The default file would be made at the start.
        if token == nil, self.secrets.busFiles.isEmpty, !self.access.hasPublicKeys { return }
        _ = try self.secrets.busSecrets(token: token)
    }
}
