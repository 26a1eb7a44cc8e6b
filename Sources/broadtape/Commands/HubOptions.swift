// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Client
import Foundation

/// Which hub a command talks to, and as whom.
struct HubOptions: ParsableArguments {
    @Option(help: "Address of the hub (environment: BROADTAPE_URL; default http://127.0.0.1:8080).")
    var url: String?

    @Option(help: "Token to present (environment: BROADTAPE_TOKEN).")
    var token: String?

    private static let environment = ProcessInfo.processInfo.environment

    /// Where the hub is.
    func address() throws -> HubAddress {
        try HubAddress(self.url ?? Self.environment["BROADTAPE_URL"] ?? "http://127.0.0.1:8080")
    }

    /// What to present; nil when no token was given.
    var tokenProvider: TokenProvider? {
        guard let token = self.token ?? Self.environment["BROADTAPE_TOKEN"], !token.isEmpty else { return nil }
        return { token }
    }
}
