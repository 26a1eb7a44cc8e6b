// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The repository's files, and what its Swift files declare, read as text.
///
/// Simple on purpose: a declaration is a keyword and a name on one line, which is how the formatter leaves them.
struct SourceTree: Sendable {
    /// A Swift file.
    struct File: Sendable, CustomStringConvertible {
        /// From the root of the repository.
        let path: String
        let lines: [String]

        var description: String { self.path }
    }

    /// Folders with Swift files.
    static let folders = ["Sources", "Tests", "LoadTests"]
    static let present = SourceTree()

    let files: [File]
    /// Names of all files of the repository, without their folders.
    let fileNames: Set<String>
    /// Names that types, functions, properties and cases are declared under, by the first two parts of the path:
    /// `Sources/Hub`.
    let declared: [String: Set<String>]
    let types: Set<String>
    /// What is declared in the files that declare or extend a type, by that type.
    let members: [String: Set<String>]

    private init() {
        var files: [File] = []
        var fileNames: Set<String> = []
        for folder in Self.folders + ["config", "docs"] {
            for path in Self.paths(below: folder) {
                fileNames.insert(String(path.split(separator: "/").last ?? ""))
                guard path.hasSuffix(".swift"),
                    let text = try? String(contentsOf: Document.root.appending(path: path), encoding: .utf8)
                else { continue }
                let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
                files.append(File(path: path, lines: text.hasSuffix("\n") ? lines.dropLast() : lines))
            }
        }
        let top = try? FileManager.default.contentsOfDirectory(atPath: Document.root.path)
        self.fileNames = fileNames.union(top ?? [])
        self.files = files.sorted { $0.path < $1.path }

        var declared: [String: Set<String>] = [:]
        var types: Set<String> = []
        var members: [String: Set<String>] = [:]
        for file in files {
            let found = Self.declarations(in: file.lines)
            let target = file.path.split(separator: "/").prefix(2).joined(separator: "/")
            declared[target, default: []].formUnion(found.types.union(found.members))
            types.formUnion(found.types)
            for type in found.types.union(found.extended) {
                members[type, default: []].formUnion(found.members.union(found.types))
            }
        }
        self.declared = declared
        self.types = types
        self.members = members
    }

    private static func paths(below folder: String) -> [String] {
        let url = Document.root.appending(path: folder)
        let found = FileManager.default.enumerator(atPath: url.path)?.compactMap { $0 as? String }
        return (found ?? []).map { "\(folder)/\($0)" }
    }

    private static func declarations(
        in lines: [String]
    ) -> (types: Set<String>, extended: Set<String>, members: Set<String>) {
        var types: Set<String> = []
        var extended: Set<String> = []
        var members: Set<String> = []
        for line in lines {
            let words = line.split { $0 == " " || $0 == "\t" }
            guard let first = words.first, !first.hasPrefix("//") else { continue }
            for (word, next) in zip(words, words.dropFirst()) {
                switch word {
                case "class", "struct", "enum", "actor", "protocol", "typealias": types.insert(Self.name(next))
                case "extension": extended.insert(Self.name(next))
                case "func", "var", "let": members.insert(Self.name(next))
                default: break
                }
            }
            if first == "case" || words.dropFirst().first == "case" {
                members.formUnion(words.drop { $0 != "case" }.dropFirst().map(Self.name))
            }
        }
        return (types, extended, members)
    }

    /// The last part of a name, without what follows it: `WebSocket.Endpoint:` is `Endpoint`.
    private static func name(_ word: Substring) -> String {
        let whole = word.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }
        return String(whole.split(separator: ".").last ?? "")
    }
}
