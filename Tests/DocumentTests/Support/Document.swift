// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A Markdown file of the repository.
struct Document: Sendable, CustomStringConvertible {
    /// A fenced example.
    struct Example: Sendable {
        /// `sh`, `python`, `json` …; empty when the fence names none.
        var language: String
        var text: String
        /// What the comment right before it says: `run`, `run: serve` …; nil without one.
        var mark: String?
        /// Of the fence, from 1.
        var line: Int
    }

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// From the root of the repository.
    let path: String
    private(set) var examples: [Example] = []
    /// Targets of links outside of code, with their lines.
    private(set) var links: [(target: String, line: Int)] = []
    /// What links may name after `#`.
    private(set) var anchors: Set<String> = []
    /// What is between backticks outside of examples, with its line.
    private(set) var codes: [(text: String, line: Int)] = []
    /// Lines outside of examples, without code, link targets and comments.
    private(set) var prose: [(text: String, line: Int)] = []
    /// Rows of tables, cell by cell, each below the heading that it is under.
    private(set) var rows: [(heading: String, cells: [String])] = []
    private var heading = ""

    var description: String { self.path }

    /// All that is written for readers.
    static let all: [Document] = {
        let folders = ["", "docs", "config/kubernetes", "LoadTests", "LoadTests/Bench", "Tests/Vectors"]
        let paths = folders.flatMap { folder in
            let names = try? FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: folder).path)
            return (names ?? []).filter { $0.hasSuffix(".md") }.map { folder.isEmpty ? $0 : "\(folder)/\($0)" }
        }
        return paths.sorted().compactMap { try? Document($0) }
    }()

    init(_ path: String) throws {
        self.path = path
        let text = try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
        var fence: Example?
        var mark: String?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let trimmed = line.drop { $0 == " " }
            if var open = fence {
                if trimmed.hasPrefix("```") {
                    self.examples.append(open)
                    fence = nil
                } else {
                    open.text += line + "\n"
                    fence = open
                }
            } else if trimmed.hasPrefix("```") {
                fence = Example(language: String(trimmed.dropFirst(3)), text: "", mark: mark, line: index + 1)
                mark = nil
            } else if let match = line.wholeMatch(of: #/<!-- ((?:run|shows|file|check-config)\b.*?) -->/#) {
                mark = String(match.1)
            } else {
                self.read(String(line), index + 1)
            }
        }
    }

    private mutating func read(_ line: String, _ number: Int) {
        if let heading = line.firstMatch(of: #/^#{1,6} +(.*)$/#) {
            self.heading = String(heading.1)
            let name = Self.anchor(self.heading)
            // As GitHub does: the second one of a name gets a number.
            var unique = name
            var count = 0
            while !self.anchors.insert(unique).inserted {
                count += 1
                unique = "\(name)-\(count)"
            }
        }
        for match in line.matches(of: #/`([^`]+)`/#) { self.codes.append((String(match.1), number)) }
        // Links inside code are not links.
        let plain = line.replacing(#/`[^`]*`/#, with: "")
        for match in plain.matches(of: #/\]\(([^)\s]+)\)/#) { self.links.append((String(match.1), number)) }
        let words = plain.replacing(#/\]\([^)]*\)/#, with: "]").replacing(#/<!--.*?-->/#, with: "")
        if !words.isEmpty { self.prose.append((words, number)) }
        guard line.hasPrefix("|") else { return }
        let cells = line.dropFirst().split(separator: "|", omittingEmptySubsequences: false).dropLast()
        self.rows.append((self.heading, cells.map { $0.trimmingCharacters(in: .whitespaces) }))
    }

    /// The name that GitHub gives a heading.
    static func anchor(_ heading: String) -> String {
        let text = heading.replacing(#/\[([^\]]*)\]\([^)]*\)/#) { $0.output.1 }
        return String(
            text.lowercased().compactMap { character -> Character? in
                if character == " " { return "-" }
                return character.isLetter || character.isNumber || character == "-" || character == "_"
                    ? character : nil
            }
        )
    }
}
