// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What documents name exists: types, files and folders, targets and their dependencies.
struct ArchitectureTests {
    private static let path = "ARCHITECTURE.md"
    /// Types of Swift and of packages that the document may name.
    private static let elsewhere: Set<String> = ["Mutex"]

    @Test func typesAndFilesExist() throws {
        let document = try Document(Self.path)
        let targets = try Set(#require(PackageManifest.present).targets.keys)
        var count = 0
        for (code, line) in document.codes {
            guard let isKnown = Self.isKnown(code, targets) else { continue }
            count += 1
            #expect(isKnown, "\(Self.path):\(line): there is no \(code)")
        }
        #expect(count > 200)
    }

    @Test(arguments: [
        ("TapeWriter", true), ("TapeWriter.append", true), ("WebSocket.Endpoint", true), ("Hub.run", true),
        ("Cursor.swift", true),
        ("NoSuchType", false), ("TapeWriter.noSuchMember", false), ("NoSuchFile.swift", false),
    ])
    func whatDoesNotExistIsFound(code: String, isKnown: Bool) {
        #expect(Self.isKnown(code, ["Hub", "WebSocket"]) == isKnown)
    }

    @Test(arguments: ["loops", "POST", "await", "POST /drain"])
    func otherCodeIsLeftAlone(code: String) {
        #expect(Self.isKnown(code, []) == nil)
    }

    /// Whether something exists; nil for what names neither a type nor a file.
    private static func isKnown(_ code: String, _ targets: Set<String>) -> Bool? {
        let tree = SourceTree.present
        if targets.contains(code) || Self.elsewhere.contains(code) { return true }
        if code.wholeMatch(of: #/[\w+.-]+\.(swift|md|js|yaml)/#) != nil { return tree.fileNames.contains(code) }
        guard code.wholeMatch(of: #/[A-Z]\w*(\.\w+)*/#) != nil, code.contains(where: \.isLowercase) else { return nil }
        var parts = code.split(separator: ".").map(String.init)
        if parts.count > 1, targets.contains(parts[0]), tree.types.contains(parts[1]) { parts.removeFirst() }
        guard tree.types.contains(parts[0]) else { return false }
        return zip(parts, parts.dropFirst()).allSatisfy { type, member in
            tree.members[type]?.contains(member) ?? false
        }
    }

    @Test func targetsAndArrowsAreThoseOfThePackage() throws {
        let document = try Document(Self.path)
        let targets = try #require(PackageManifest.present).targets
        var shown: [String: Set<String>] = [:]
        for (heading, cells) in document.rows where heading == "Targets and arrows" && cells.count == 3 {
            guard let name = Self.names(in: cells[0]).first else { continue }
            #expect(shown[name] == nil, "\(name) has two rows")
            shown[name] = Set(Self.names(in: cells[1]))
        }
        let present = targets.filter { !$0.value.isTest }.mapValues(\.dependencies)
        #expect(Set(shown.keys) == Set(present.keys))
        for (name, dependencies) in present.sorted(by: { $0.key < $1.key }) {
            let difference = shown[name, default: []].symmetricDifference(dependencies).sorted()
            #expect(difference.isEmpty, "\(name): \(difference)")
        }
    }

    /// Stores, buses and sources know events and the seams, not the engine.
    @Test func onlyTheServerAndTheProgramImportTheEngine() throws {
        let targets = try #require(PackageManifest.present).targets
        let importers = targets.filter { !$0.value.isTest && $0.value.dependencies.contains("Hub") }.keys
        #expect(Set(importers) == ["Server", "broadtape", "broadtape-bench", "broadtape-simulator", "FuzzTargets"])
    }

    @Test func testTargetsAreThoseOfThePackage() throws {
        let document = try Document(Self.path)
        let targets = try #require(PackageManifest.present).targets
        let shown = document.rows.filter { $0.heading == "Tests" }.flatMap { Self.names(in: $0.cells[0]) }
        #expect(Set(shown) == Set(targets.filter(\.value.isTest).keys))
    }

    /// Every document, not only the one about the architecture.
    @Test(arguments: Document.all)
    func pathsExist(document: Document) {
        for (code, line) in document.codes where Self.isPath(code) {
            let url = Document.root.appending(path: code)
            #expect(FileManager.default.fileExists(atPath: url.path), "\(document.path):\(line): there is no \(code)")
        }
    }

    private static func isPath(_ code: String) -> Bool {
        // `config/docs/` in the changelog is where the documents were.
        code.wholeMatch(of: #/(Sources|Tests|LoadTests|config|docs)\/[\w+.\/-]+/#) != nil && code != "config/docs/"
    }

    private static func names(in cell: String) -> [String] {
        cell.matches(of: #/`([^`]+)`/#).map { String($0.1) }
    }
}
