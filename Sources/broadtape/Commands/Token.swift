// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Hub
import Server

/// `broadtape token`: makes a token.
struct Token: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print a token (JWT, HS256).")

    @Option(help: "Whose token it is: the user or service.")
    var subject: String

    @Option(help: "publish:TYPE, read:TYPE, or * for every type; may be repeated.")
    var scope: [String] = []

    @Option(help: "How long it is good for, such as 15m, 1h or 30d; never for one that does not expire.")
    var expires = "1h"

    @OptionGroup var options: ConfigurationOptions

    func validate() throws {
        for scope in self.scope {
            let parts = scope.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, ["publish", "read"].contains(parts[0]),
                parts[1] == "*" || EventType.isValidName(parts[1])
            else {
                throw ValidationError("a scope is publish:TYPE, read:TYPE, publish:* or read:*, not \"\(scope)\"")
            }
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
        let secret = try settings.jwtSecret ?? Secret.read(settings.jwtSecretFile)
        let token = try await TokenKeys(secret: secret).sign(
            subject: self.subject,
            scopes: self.scope,
            expires: Quantity.duration(self.expires).map { Timestamp.now.advanced(by: $0) }
        )
        print(token)
    }
}
