// SPDX-License-Identifier: Apache-2.0

import JSON
import Server
import Testing

/// Routes need a credential, unless they are open.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct RouteTests {
    @Test
    func onlyOpenRoutesAnswerWithoutACredential() async throws {
        try await withServer { server in
            var closed: Set<String> = []
            for route in API(hub: server.hub, bodyBytes: 1).routes where !route.hasPrefix("HEAD") {
                let words = route.split(separator: " ").map { String($0) }
                let target = try #require(words.last).replacing("**", with: "none")
                let answer = try await server.request(Request(try #require(words.first), target))
                guard answer.status == 401 else { continue }
                try answer.expectProblem(401, "not_authenticated")
                let detail = try answer.json()["detail"]?.string
                // Others need a caller, whose own data they return.
                if detail == "this needs a token, an API key, or a signature" { closed.insert(route) }
            }
            #expect(closed == ["POST /events"])
            try await server.request(Request("POST", "/nothing")).expectProblem(404, "not_found")
        }
    }
}
