// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Programs write to their standard streams in one way only: others trap on a full disk or a pipe that nobody reads, wait
/// for the reader, or hide that nothing was written.
struct OutputSourceTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static var others: Regex<Substring> {
        #/(?:^|[^.\w"`])(?:print|debugPrint|dump|puts|fputs|fputc|fwrite|printf|perror)\(|FileHandle\.standard(?:Output|Error)\b|StreamLogHandler|\b(?:stdout|stderr)\b|\.write\(Data\(/#
    }

    @Test func nothingElseWritesToTheStandardStreams() throws {
        var files = 0
        for folder in ["Sources", "LoadTests"] {
            let found = FileManager.default.enumerator(
                at: Self.root.appendingPathComponent(folder),
                includingPropertiesForKeys: nil
            )
            for case let file as URL in try #require(found) where file.pathExtension == "swift" {
                files += 1
                let text = try String(contentsOf: file, encoding: .utf8)
                for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                    let code = line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line[...]
                    guard !code.contains("func print("), let match = code.firstMatch(of: Self.others) else { continue }
                    Issue.record("\(file.lastPathComponent):\(index + 1): \(match.0); use StandardStream")
                }
            }
        }
        #expect(files > 300)
    }
}
