// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import TestSupport
import Testing

/// What documents show is true.
@Suite(.system, .serialized, .timeLimit(.minutes(3)))
struct ExampleSystemTests {
    static let runnable = Document.all.filter { $0.examples.contains { $0.mark?.hasPrefix("run") == true } }

    @Test func theFirstFiveMinutesAreAmongThoseThatAreRun() {
        #expect(Set(Self.runnable.map(\.path)).isSuperset(of: ["README.md", "docs/getting-started.md"]))
    }

    @Test(arguments: Self.runnable)
    func examplesRunAsWritten(document: Document) async throws {
        if document.examples.contains(where: { $0.language == "python" && $0.mark?.hasPrefix("run") == true }) {
            let python = Document.root.appending(path: ".build/peers/bin/python3").path
            try #require(FileManager.default.fileExists(atPath: python), "run `make peers` first")
        }
        try await Walkthrough.run(document)
    }

    /// As one value, or as one a line.
    @Test(arguments: Document.all)
    func jsonIsJSON(document: Document) {
        for example in document.examples where example.language == "json" {
            let lines = example.text.split(separator: "\n").filter { !$0.allSatisfy(\.isWhitespace) }
            let isOne = (try? JSON.Value.parse(Array(example.text.utf8))) != nil
            let areMany = lines.allSatisfy { (try? JSON.Value.parse(Array($0.utf8))) != nil }
            #expect(isOne || areMany, "\(document.path):\(example.line)")
        }
    }

    @Test func configurationsAreGood() async throws {
        var count = 0
        for document in Document.all {
            for example in document.examples where example.mark == "check-config" {
                try await withFolder { folder in
                    try folder.write(example.text, to: "broadtape.yaml")
                    let record = try await Program.run(["check-config", "--config", "broadtape.yaml"], in: folder)
                    #expect(record.status == 0, "\(document.path):\(example.line): \(record)")
                }
                count += 1
            }
        }
        #expect(count > 0)
    }
}
