// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EventLog
import Server
import Terminal

/// `broadtape token`: creates a token.
struct Token: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print a token (JWT, HS256).")

    @Option(help: "Subject of the token: a user or service.")
    var subject: String

    @Option(
        help: "publish:TYPE, read:TYPE, or * for every type; source:NAME or source:*; support:read. May be repeated."
    )
    var scope: [String] = []

    @Option(help: "Lifetime, such as 15m, 1h or 30d; never for a token that does not expire.")
    var expires = "1h"

    @OptionGroup var options: ConfigurationOptions

    func validate() throws {
        for scope in self.scope {
            guard Scope.isValid(scope) else { throw ValidationError("\(Scope.expectation), not \"\(scope)\"") }
        }
        guard ChannelName.isValidKey(self.subject) else {
            throw ValidationError("a subject has 1 to \(ChannelName.maxKeyLength) bytes without control characters")
        }
        guard self.expires == "never" || Quantity.duration(self.expires) != nil else {
            throw ValidationError("--expires is a duration such as 15m, 1h or 30d, or never; not \"\(self.expires)\"")
        }
    }

    func run() async throws {
        let settings = try await self.options.settings()
        let secret =
            try settings.secrets.token ?? settings.secrets.readTokenFile()
        let token = try await TokenKeys(secret: secret, rules: settings.access.rules).sign(
            subject: self.subject,
            scopes: self.scope,
            expires: Quantity.duration(self.expires).map { Timestamp.now.advanced(by: $0) }
        )
        StandardStream.output.print(token)
    }
}
