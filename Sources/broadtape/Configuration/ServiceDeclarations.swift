// SPDX-License-Identifier: Apache-2.0

import Foundation
import Secrets
import Server
import Yams

/// Service declarations of the configuration file.
struct ServiceDeclarations {
    private let path: String
    private var errors: [String] = []
    private var owners: [[UInt8]: String] = [:]
    private var signers: [Secret: String] = [:]

    static let keys = ["scopes", "api-keys", "webhook-secret-files"]

    /// Reads the `services` of a file.
    static func services(in file: ConfigurationFile) throws(ConfigurationFault) -> [ServiceAccount] {
        var declarations = ServiceDeclarations(path: file.path)
        var services: [ServiceAccount] = []
        for (key, value) in file.services ?? Node.Mapping([]) {
            if let service = declarations.service(key, value) { services.append(service) }
        }
        guard declarations.errors.isEmpty else { throw ConfigurationFault(declarations.errors) }
        return services
    }

    private init(path: String) {
        self.path = path
    }

    private mutating func addError(_ node: Node, _ message: String) {
        self.errors.append("\(self.path):\(node.mark?.line ?? 0): \(message)")
    }

    private mutating func service(_ key: Node, _ value: Node) -> ServiceAccount? {
        let name = key.string ?? ""
        guard ServiceAccount.isValidName(name) else {
            self.addError(key, "\"\(name)\" cannot name a service: 1 to 200 bytes without control characters")
            return nil
        }
        guard let mapping = value.mapping else {
            self.addError(key, "\"\(name)\" is a mapping with \(Self.keys.joined(separator: ", "))")
            return nil
        }
        for (member, _) in mapping where !Self.keys.contains(member.string ?? "") {
            let word = member.string ?? ""
            self.addError(member, "unknown key \"\(word)\"\(Suggestion.hint(for: word, among: Self.keys))")
        }
        var service = ServiceAccount(name: name, scopes: [])
        if let node = mapping["scopes"] {
            service.scopes = Set(self.texts(node, "scopes"))
        }
        for scope in service.scopes where !Scope.isValid(scope) {
            self.addError(mapping["scopes"] ?? key, "\(Scope.expectation), not \"\(scope)\"")
        }
        if let node = mapping["api-keys"] {
            service.keyHashes = self.hashes(node, of: name)
        }
        if let node = mapping["webhook-secret-files"] {
            service.secrets = self.secrets(node, of: name)
        }
        if service.keyHashes.isEmpty, service.secrets.isEmpty {
            self.addError(key, "\"\(name)\" needs \"api-keys\" or \"webhook-secret-files\": how it authenticates")
        }
        return service
    }

    /// A list of texts, or one text separated by spaces.
    private mutating func texts(_ node: Node, _ name: String) -> [String] {
        if let text = node.scalar?.string { return text.split(whereSeparator: \.isWhitespace).map(String.init) }
        let texts = node.sequence?.compactMap { $0.scalar?.string } ?? []
        if texts.isEmpty || texts.count != node.sequence?.count {
            self.addError(node, "\"\(name)\" is a list of texts")
        }
        return texts
    }

    private mutating func hashes(_ node: Node, of name: String) -> [[UInt8]] {
        var hashes: [[UInt8]] = []
        for text in self.texts(node, "api-keys") {
            guard let hash = APIKey.readHash(text) else {
                // The value may be the key itself, so the message does not contain it.
                self.addError(node, "an API key is given as sha256: and 64 digits, as `broadtape api-key` prints it")
                continue
            }
            if let owner = self.owners.updateValue(name, forKey: hash) {
                self.addError(node, "this API key already belongs to \"\(owner)\"")
            }
            hashes.append(hash)
        }
        if hashes.count > ServiceAccount.maxKeys {
            self.addError(node, "a service has at most \(ServiceAccount.maxKeys) API keys, one to replace the other")
        }
        return hashes
    }

    private mutating func secrets(_ node: Node, of name: String) -> [Secret] {
        var secrets: [Secret] = []
        for path in self.texts(node, "webhook-secret-files") {
            do throws(SecretLine.Invalid) {
                let secret = try Secret(file: path)
                if let owner = self.signers.updateValue(name, forKey: secret) {
                    self.addError(node, "\(path): \"\(owner)\" already has this secret; each service needs its own")
                }
                secrets.append(secret)
            } catch {
                self.addError(node, error.description)
            }
        }
        if secrets.count > ServiceAccount.maxSecrets {
            self.addError(node, "a service has at most \(ServiceAccount.maxSecrets) secrets, one to replace the other")
        }
        return secrets
    }
}
