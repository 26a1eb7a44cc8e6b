// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The client for browsers as the hub serves it.
@Suite(.timeLimit(.minutes(1)))
struct ScriptTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Sources/BrowserClient")

    @Test(arguments: [
        ("broadtape.js", "text/javascript; charset=utf-8"),
        ("broadtape.d.ts", "application/typescript; charset=utf-8"),
    ])
    func scriptsAreServedToPagesOfAnyOrigin(_ name: String, _ contentType: String) async throws {
        let source = Array(try Data(contentsOf: Self.folder.appendingPathComponent(name)))
        try await withServer { server in
            let fields = [(name: "Origin", value: "https://shop.example.com")]
            let answer = try await server.request(Request("GET", "/\(name)", fields: fields))
            #expect(answer.status == 200)
            #expect(answer.body == source)
            #expect(answer.fields["content-type"] == contentType)
            #expect(answer.fields["x-content-type-options"] == "nosniff")
            #expect(answer.fields["access-control-allow-origin"] == "*")
            #expect(answer.fields["cache-control"] == "no-cache")
        }
    }

    @Test
    func aPageThatHasTheScriptIsNotSentItAgain() async throws {
        try await withServer { server in
            let tag = try #require(try await server.request(.get("/broadtape.js")).fields["etag"])
            for (field, status) in [
                (tag, 304), ("W/\(tag)", 304), ("\"a\", \(tag)", 304), ("*", 304), ("\"a\"", 200), ("", 200),
            ] {
                let request = Request("GET", "/broadtape.js", fields: [(name: "If-None-Match", value: field)])
                let answer = try await server.request(request)
                #expect(answer.status == status, "\(field)")
                #expect(answer.fields["etag"] == tag)
                #expect(answer.body.isEmpty == (status == 304))
            }
        }
    }
}
