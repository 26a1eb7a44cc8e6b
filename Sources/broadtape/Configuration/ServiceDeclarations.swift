// SPDX-License-Identifier: Apache-2.0

import EventLog
import Secrets
import Server
import Yams

/// Service declarations of the configuration file.
struct ServiceDeclarations: Declarations {
    let path: String
    var errors: [String] = []
    private let types: EventTypes
    private let supportScope: String?
    private var owners: [[UInt8]: String] = [:]
    private var signers: [Secret: String] = [:]

    static let keys = ["scopes", "api-keys", "webhook-secret-files"]

    /// Reads the `services` of a file.
    /// - Parameter supportScope: The setting `support-scope`; nil if it is off.
    static func services(
        in file: ConfigurationFile,
        types: EventTypes,
        supportScope: String?,
        errors: inout [String]
    ) -> [ServiceAccount] {
        var declarations = ServiceDeclarations(path: file.path, types: types, supportScope: supportScope)
        var services: [ServiceAccount] = []
        for (key, value) in file.services {
            if let service = declarations.service(key, value) { services.append(service) }
        }
        errors += declarations.errors
        return services
    }

    private init(path: String, types: EventTypes, supportScope: String?) {
        self.path = path
        self.types = types
        self.supportScope = supportScope
    }

    private mutating func service(_ key: Node, _ value: Node) -> ServiceAccount? {
        let name = key.string ?? ""
        if !ServiceAccount.isValidName(name) {
            self.addError(key, "\"\(name)\" cannot name a service: 1 to 200 bytes without control characters")
        }
        guard let given = value.mapping else {
            self.addError(key, "\"\(name)\" is a mapping with \(Self.keys.joined(separator: ", "))")
            return nil
        }
        let mapping = self.members(of: given, among: Self.keys)
        let scopes = self.texts(mapping["scopes"], "scopes")
        for (scope, node) in scopes { self.check(scope, node) }
        var service = ServiceAccount(name: name, scopes: Set(scopes.map(\.text)))
        service.keyHashes = self.hashes(mapping["api-keys"], of: name)
        service.secrets = self.secrets(mapping["webhook-secret-files"], of: name)
        if mapping["api-keys"] == nil, mapping["webhook-secret-files"] == nil {
            self.addError(key, "\"\(name)\" needs \"api-keys\" or \"webhook-secret-files\": how it authenticates")
        }
        return service
    }

    /// A scope that allows nothing is a mistake.
    private mutating func check(_ scope: String, _ node: Node) {
        guard scope != self.supportScope else { return }
        guard Scope.isValid(scope) else {
            return self.addError(node, "\(Scope.expectation), not \"\(scope)\"")
        }
        let parts = scope.split(separator: ":", maxSplits: 1)
        if scope == Scope.support {
            self.addError(node, "\(scope) allows nothing: support-scope is \(self.supportScope ?? "off")")
        } else if parts[0] != "source", parts[1] != "*", self.types[parts[1]] == nil {
            let hint = Suggestion.hint(for: String(parts[1]), among: self.types.all.map(\.name))
            self.addError(node, "\(scope) allows nothing: there is no event type \"\(parts[1])\"\(hint)")
        }
    }

    private mutating func hashes(_ list: Node?, of name: String) -> [[UInt8]] {
        var hashes: [[UInt8]] = []
        for (text, node) in self.texts(list, "api-keys") {
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
        if let list, hashes.count > ServiceAccount.maxKeys {
            self.addError(list, "a service has at most \(ServiceAccount.maxKeys) API keys, one to replace the other")
        }
        return hashes
    }

    private mutating func secrets(_ list: Node?, of name: String) -> [Secret] {
        var secrets: [Secret] = []
        for (path, node) in self.texts(list, "webhook-secret-files") {
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
        if let list, secrets.count > ServiceAccount.maxSecrets {
            self.addError(list, "a service has at most \(ServiceAccount.maxSecrets) secrets, one to replace the other")
        }
        return secrets
    }
}
