// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AsyncHTTPClient
import Foundation
import Hub
import JSON
import NIOCore
import NIOHTTP1

/// `broadtape revoke`: takes back a token, all tokens of a user, or ends a connection.
struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Revoke a token, all tokens that a subject has by now, or a session.",
        discussion: """
            Sockets are closed (4502) on every node within a second and the tokens are refused from then on. A token that \
            the subject gets afterwards is good. Talks to the admin port of any node.
            """
    )

    @Option(help: "The id (jti) of the token.")
    var tokenId: String?

    @Option(help: "The user or service.")
    var subject: String?

    @Option(help: "The session, as its welcome says; its token stays good.")
    var session: String?

    @Option(help: "When it can be forgotten (RFC 3339), or after how long (30d); for ever when not given.")
    var until: String?

    @Option(help: "Why; kept with it and in the audit trail.")
    var reason = ""

    @Option(help: "Who does this, for the audit trail (default: the name of the user of this machine).")
    var by: String?

    @Flag(help: "Take the revocation back.")
    var lift = false

    @Option(help: "The admin port (environment: BROADTAPE_ADMIN_URL; default http://127.0.0.1:8081).")
    var adminUrl: String?

    private var targets: [(name: String, value: String)] {
        [("tokenId", self.tokenId), ("subject", self.subject), ("session", self.session)].compactMap { name, value in
            value.map { (name, $0) }
        }
    }

    func validate() throws {
        guard self.targets.count == 1 else {
            throw ValidationError("give one of --token-id, --subject and --session")
        }
        if let until, self.end(until) == nil {
            throw ValidationError(
                "--until is a time such as 2030-01-31T00:00:00Z or a duration such as 30d, not \(until)"
            )
        }
    }

    private func end(_ text: String) -> Timestamp? {
        Timestamp(rfc3339: text) ?? Quantity.duration(text).map { Timestamp.now.advanced(by: $0) }
    }

    func run() async throws {
        guard let target = self.targets.first else { return }
        let environment = ProcessInfo.processInfo.environment
        let base = self.adminUrl ?? environment["BROADTAPE_ADMIN_URL"] ?? "http://127.0.0.1:8081"
        let name = self.by ?? environment["USER"] ?? "operator"
        guard var place = URLComponents(string: base) else { throw ValidationError("\(base) is not an address") }
        place.path = "/revocations"
        var request: HTTPClientRequest
        if self.lift {
            place.queryItems = [
                URLQueryItem(name: target.name, value: target.value), URLQueryItem(name: "by", value: name),
            ]
            request = HTTPClientRequest(url: place.string ?? base)
            request.method = .DELETE
        } else {
            request = HTTPClientRequest(url: place.string ?? base)
            request.method = .POST
            var writer = JSON.Writer()
            writer.beginObject()
            writer.member(target.name, string: target.value)
            if let until, let end = self.end(until) { writer.member("until", string: end.description) }
            writer.member("reason", string: self.reason)
            writer.member("by", string: name)
            writer.endObject()
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: writer.bytes))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let body = Array(try await response.body.collect(upTo: 1 << 20).readableBytesView)
        guard (200..<300).contains(response.status.code) else {
            let problem = try? JSON.Value.parse(body)
            throw ValidationError(problem?["detail"]?.string ?? "the admin port answered \(response.status)")
        }
        if !body.isEmpty { print(String(decoding: body, as: UTF8.self), terminator: "") }
    }
}
