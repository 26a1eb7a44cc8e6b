// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// The reference of settings is what the program says, and the file to copy agrees with it.
@Suite(.system)
struct SettingReferenceSystemTests {
    /// Name, flag, variable, default of each row; the tables of keys have two cells only.
    private static func rows() throws -> [(name: String, place: String, value: String)] {
        let url = Document.root.appending(path: "docs/configuration.md")
        return try String(contentsOf: url, encoding: .utf8).split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 5, cells[0].hasPrefix("`") else { return nil }
            return (cells[0].replacing("`", with: ""), cells[1], cells[2])
        }
    }

    @Test func itIsWhatTheProgramSays() async throws {
        try await withFolder { folder in
            // Whatever else is set.
            let record = try await Program.run(
                ["check-config", "--reference"],
                environment: ["BROADTAPE_PORT": "1"],
                in: folder
            )
            #expect(record.status == 0, "\(record)")
            let url = Document.root.appending(path: "docs/configuration.md")
            let file = try String(contentsOf: url, encoding: .utf8)
            #expect(record.output == file, "run `make reference` to write docs/configuration.md again")
            #expect(record.output.firstMatch(of: #/\|  +\|/#) == nil, "a setting without a word of explanation")
        }
    }

    @Test func flagsAreThoseThatServeHas() async throws {
        try await withFolder { folder in
            let record = try await Program.run(["serve", "--help"], in: folder)
            let found = Set(record.output.matches(of: #/(?m)^ {2}--([a-z-]+)/#).map { String($0.1) })
            let told = Set(
                try Self.rows().filter { $0.place.hasPrefix("`--\($0.name)`") }.map(\.name)
            )
            #expect(found.subtracting(["config", "demo"]) == told)
        }
    }

    @Test func theFileToCopyHasEverySettingWithItsDefault() throws {
        let url = Document.root.appending(path: "config/broadtape.yaml")
        let file = try String(contentsOf: url, encoding: .utf8)
        let lines = file.split(separator: "\n").compactMap { line in
            line.firstMatch(of: #/^# ([a-z-]+): (.*?) +#/#).map { (String($0.1), String($0.2)) }
        }
        let rows = try Self.rows()
        #expect(rows.count > 60)
        for row in rows {
            let found = lines.filter { $0.0 == row.name }
            #expect(found.count == 1, "\(row.name)")
            guard row.value != "–" else { continue }
            #expect(found.first?.1 == row.value.replacing("`", with: ""), "\(row.name)")
        }
    }
}
