// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Links lead somewhere.
struct LinkTests {
    @Test(arguments: Document.all)
    func linksWithinTheRepositoryResolve(document: Document) throws {
        for (target, line) in document.links where target.firstMatch(of: #/^[a-z]+:/#) == nil {
            let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            let base = Document.root.appending(path: document.path)
            let url =
                parts[0].isEmpty
                ? base : base.deletingLastPathComponent().appending(path: String(parts[0])).standardizedFileURL
            #expect(FileManager.default.fileExists(atPath: url.path), "\(document.path):\(line): \(target)")
            guard parts.count == 2, url.pathExtension == "md" else { continue }
            let path = String(url.path.dropFirst(Document.root.path.count + 1))
            let anchors = Document.all.first { $0.path == path }?.anchors ?? []
            #expect(anchors.contains(String(parts[1])), "\(document.path):\(line): \(target)")
        }
    }

    @Test func everyDocumentIsInTheIndex() throws {
        let index = try Document("docs/README.md")
        let named = Set(index.links.map(\.target))
        for document in Document.all where document.path.hasPrefix("docs/") && document.path != index.path {
            #expect(
                named.contains { $0.hasPrefix(String(document.path.dropFirst("docs/".count))) },
                "\(document)"
            )
        }
    }

    @Test(arguments: [
        ("What it promises", "what-it-promises"), ("`bad_request`", "bad_request"), ("4001", "4001"),
        ("Postgres, and Redis", "postgres-and-redis"), ("A [link](x.md) in it", "a-link-in-it"),
        ("Socket.IO → Broadtape", "socketio--broadtape"),
    ])
    func headingsAreNamedAsGitHubDoes(heading: String, anchor: String) {
        #expect(Document.anchor(heading) == anchor)
    }
}
