// SPDX-License-Identifier: Apache-2.0

import Foundation
import Yams

/// A YAML file of settings and event types, read strictly: an unknown key is an error.
struct ConfigurationFile {
    let path: String
    /// What is wrong with the file itself, each with its line.
    private(set) var errors: [String] = []
    /// Settings by key: the unparsed text and its line.
    private(set) var settings: [String: (text: String, line: Int)] = [:]
    private var sections: [String: Node.Mapping] = [:]

    var types: Node.Mapping { self.sections[Setting.types] ?? [:] }
    var services: Node.Mapping { self.sections[Setting.services] ?? [:] }
    var chains: Node.Mapping { self.sections[Setting.chains] ?? [:] }
    var rates: Node.Mapping { self.sections[Setting.rates] ?? [:] }

    init(path: String) {
        self.path = path
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            self.addError("cannot be read (\(error.localizedDescription))")
            return
        }
        do {
            let document = try RepeatedKeys.compose(text)
            for (name, line) in document.repeated { self.addError("duplicate key \"\(name)\"", line: line) }
            guard let root = document.root, !root.isNull else { return }
            guard let mapping = root.mapping else {
                self.addError("a configuration is a mapping of keys to values")
                return
            }
            self.read(mapping)
        } catch YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _)
        {
            self.addError("not YAML: \(problem)", line: mark.line)
        } catch {
            self.addError("not YAML: \(error)")
        }
    }

    private mutating func addError(_ message: String, line: Int? = nil) {
        self.errors.append("\(self.path):\(line.map { "\($0):" } ?? "") \(message)")
    }

    private mutating func read(_ mapping: Node.Mapping) {
        let sections = [
            Setting.types: "event types", Setting.services: "services", Setting.chains: "chains",
            Setting.rates: "exchanges",
        ]
        let known = Setting.allCases.map(\.rawValue) + sections.keys
        for (key, value) in mapping {
            let name = key.string ?? ""
            let line = key.mark?.line ?? 0
            if let contents = sections[name] {
                self.sections[name] = value.mapping
                if value.mapping == nil, !value.isNull {
                    self.addError("\"\(name)\" is a mapping of names to \(contents)", line: line)
                }
            } else if let setting = Setting(rawValue: name) {
                guard let scalar = value.scalar else {
                    self.addError("\"\(name)\" is a single value", line: line)
                    continue
                }
                let text = value.isNull ? "" : scalar.string
                if setting.isGiven(text) { self.settings[name] = (text, line) }
            } else {
                self.addError("unknown key \"\(name)\"\(Suggestion.hint(for: name, among: known))", line: line)
            }
        }
    }
}
