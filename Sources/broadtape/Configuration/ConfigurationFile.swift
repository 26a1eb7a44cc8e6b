// SPDX-License-Identifier: Apache-2.0

import Foundation
import Yams

/// A YAML file of settings and event types, read strictly: an unknown key is an error.
struct ConfigurationFile {
    let path: String
    /// Settings by key: the unparsed text and its line.
    private(set) var settings: [String: (text: String, line: Int)] = [:]
    private(set) var types: Node.Mapping?
    private(set) var services: Node.Mapping?
    private(set) var chains: Node.Mapping?
    private(set) var rates: Node.Mapping?

    init(path: String) throws(ConfigurationFault) {
        self.path = path
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw ConfigurationFault("\(path): cannot be read (\(error.localizedDescription))")
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw Self.fault(error, path: path, text: text)
        } catch {
            throw ConfigurationFault("\(path): not YAML: \(error)")
        }
        guard let root, !root.isNull else { return }
        guard let mapping = root.mapping else {
            throw ConfigurationFault("\(path): a configuration is a mapping of keys to values")
        }
        try self.read(mapping)
    }

    private static func fault(_ error: YamlError, path: String, text: String) -> ConfigurationFault {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return ConfigurationFault("\(path):\(mark.line): not YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            return ConfigurationFault(
                keys.sorted().map { key in
                    let places = lines.filter { line in
                        line.element.drop { $0 == " " }.hasPrefix(key + ":") && line.offset + 1 >= context.mark.line
                    }
                    let line = places.dropFirst().first.map { $0.offset + 1 } ?? context.mark.line
                    return "\(path):\(line): duplicate key \"\(key)\""
                }
            )
        default:
            return ConfigurationFault("\(path): not YAML: \(error)")
        }
    }

    private mutating func read(_ mapping: Node.Mapping) throws(ConfigurationFault) {
        var errors: [String] = []
        let known = Setting.allCases.map(\.rawValue) + [Setting.types, Setting.services, Setting.chains, Setting.rates]
        for (key, value) in mapping {
            let name = key.string ?? ""
            let place = "\(self.path):\(key.mark?.line ?? 0)"
            if name == Setting.types {
                self.types = value.mapping
                if value.mapping == nil, !value.isNull {
                    errors.append("\(place): \"types\" is a mapping of names to event types")
                }
            } else if name == Setting.services {
                self.services = value.mapping
                if value.mapping == nil, !value.isNull {
                    errors.append("\(place): \"services\" is a mapping of names to services")
                }
            } else if name == Setting.chains {
                self.chains = value.mapping
                if value.mapping == nil, !value.isNull {
                    errors.append("\(place): \"chains\" is a mapping of names to chains")
                }
            } else if name == Setting.rates {
                self.rates = value.mapping
                if value.mapping == nil, !value.isNull {
                    errors.append("\(place): \"rates\" is a mapping of names to exchanges")
                }
            } else if Setting(rawValue: name) == nil {
                errors.append("\(place): unknown key \"\(name)\"\(Suggestion.hint(for: name, among: known))")
            } else if let scalar = value.scalar {
                self.settings[name] = (scalar.string, key.mark?.line ?? 0)
            } else {
                errors.append("\(place): \"\(name)\" is a single value")
            }
        }
        guard errors.isEmpty else { throw ConfigurationFault(errors) }
    }
}

extension Node {
    fileprivate var isNull: Bool {
        self.scalar.map { $0.string.isEmpty || $0.string == "null" || $0.string == "~" } ?? false
    }
}
