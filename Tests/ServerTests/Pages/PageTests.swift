// SPDX-License-Identifier: Apache-2.0

import Pages
import TestSupport
import Testing

/// The files of both pages, as they are served.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct PageTests {
    private static func setup(_ part: Page.Part) -> Setup {
        var setup = Setup()
        setup.isAdmin = part == .operators
        return setup
    }

    @Test(arguments: [Page.Part.live, .operators])
    func everyFileIsServedAndNothingElseMayRun(_ part: Page.Part) async throws {
        try await withServer(Self.setup(part)) { server in
            for page in Page.all(of: part) {
                let answer = try await server.request(.get(page.path))
                #expect(answer.status == 200)
                #expect(answer.body == page.bytes)
                #expect(answer.fields["content-type"] == page.contentType)
                #expect(answer.fields["x-content-type-options"] == "nosniff")
                #expect(answer.fields["x-frame-options"] == "DENY")
                #expect(answer.fields["referrer-policy"] == "no-referrer")
                let policy = try #require(answer.fields["content-security-policy"])
                #expect(policy.hasPrefix("default-src 'none'; script-src 'self'; style-src 'self'; "))
                #expect(!policy.contains("unsafe") && !policy.contains("*"))
                let place = part == .live ? "'self' ws://127.0.0.1 wss://127.0.0.1" : "'self'"
                #expect(policy.contains("connect-src \(place); "))
            }
        }
    }

    /// What a file names, it gets from its own place, and it is there.
    @Test(arguments: [Page.Part.live, .operators])
    func everyFileThatIsNamedIsThere(_ part: Page.Part) {
        let pages = Page.all(of: part)
        // The client is served beside the pages.
        let paths = Set(pages.map(\.path)).union(["/broadtape.js", "/metrics"])
        for page in pages where page.contentType != "image/svg+xml" {
            let text = String(decoding: page.bytes, as: UTF8.self)
            let names =
                text.matches(of: #/(?:src|href)="([^"#]+)"/#).map(\.output.1)
                + text.matches(of: #/from "\.\/([^"]+)"/#).map(\.output.1)
            for name in names { #expect(paths.contains("/" + name), "\(page.path) names \(name)") }
            // Nothing inline: the policy would not let it run.
            #expect(!text.contains("<style") && text.firstMatch(of: #/ (?:style|on[a-z]+)="/#) == nil, "\(page.path)")
            #expect(!text.contains("innerHTML") && !text.contains("eval("), "\(page.path)")
        }
    }

    @Test func aFileThatIsKnownIsNotSentAgain() async throws {
        try await withServer { server in
            let tag = try #require(try await server.request(.get("/page.js")).fields["etag"])
            for (given, status) in [(tag, 304), ("\"x\", \(tag)", 304), ("W/\(tag)", 304), ("\"x\"", 200), ("", 200)] {
                let answer = try await server.request(
                    Request("GET", "/page.js", fields: [("If-None-Match", given)])
                )
                #expect(answer.status == status, "\(given)")
                #expect(answer.fields["etag"] == tag)
                #expect(answer.body.isEmpty == (status == 304))
            }
        }
    }

    /// What comes with a request cannot widen the policy.
    @Test(arguments: ["a;script-src%20*", "*", "a,b"])
    func onlyPlainHostsComeIntoThePolicy(_ host: String) async throws {
        try await withServer { server in
            let wire = try await server.connect()
            try await wire.send(Request.get("/").text.replacing("Host: 127.0.0.1", with: "Host: \(host)"))
            let answer = try await wire.answer()
            await wire.close()
            if answer.status == 200 {
                #expect(answer.fields["content-security-policy"]?.contains("connect-src 'self'; ") == true)
            } else {
                #expect(answer.status == 400)
            }
        }
    }
}
