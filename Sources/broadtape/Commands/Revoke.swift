// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EventLog
import Foundation
import JSON
import NIOHTTP1
import Terminal

/// `broadtape revoke`: revokes a token, all tokens of a subject, or a session.
struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Revoke a token, all tokens issued to a subject so far, or a session.",
        discussion: """
            Closes the sockets (4502) on every node within a second and refuses the tokens from then on. Tokens issued \
            to the subject afterwards are valid. Connects to the admin port of any node.
            """
    )

    @Option(help: "ID (jti) of the token.")
    var tokenId: String?

    @Option(help: "User or service.")
    var subject: String?

    @Option(help: "Session ID from its welcome message; its token stays valid.")
    var session: String?

    @Option(help: "When the revocation expires (RFC 3339), or after how long (30d); never if not given.")
    var until: String?

    @Option(help: "Reason, stored with the revocation and in the audit trail.")
    var reason = ""

    @Option(help: "Operator's name for the audit trail (default: the user name on this machine).")
    var by: String?

    @Flag(help: "Lift the revocation.")
    var lift = false

    @OptionGroup var admin: AdminOptions

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
        let name = self.by ?? Variable.value("USER") ?? "operator"
        if self.lift {
            _ = try await self.admin.send(.DELETE, "/revocations", query: [target.name: target.value, "by": name])
            return
        }
        var body = JSON.Writer()
        body.beginObject()
        body.member(target.name, string: target.value)
        if let until, let end = self.end(until) { body.member("until", string: end.description) }
        body.member("reason", string: self.reason)
        body.member("by", string: name)
        body.endObject()
        let revocation = try await self.admin.send(.POST, "/revocations", json: body)
        StandardStream.output.print(String(decoding: revocation.text, as: UTF8.self))
    }
}
