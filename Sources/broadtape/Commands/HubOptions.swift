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

    @Option(help: "PEM file of certificates to trust for https and wss (environment: BROADTAPE_CA).")
    var ca: String?

    @Option(help: "PEM file of a client certificate to show (environment: BROADTAPE_CERTIFICATE); needs --key.")
    var certificate: String?

    @Option(help: "PEM file of its key (environment: BROADTAPE_KEY).")
    var key: String?

    private static let environment = ProcessInfo.processInfo.environment

    /// Where the hub is.
    func address() throws -> HubAddress {
        try HubAddress(self.url ?? Self.environment["BROADTAPE_URL"] ?? "http://127.0.0.1:8080")
    }

    /// Whom to trust and what to show where the address asks for TLS.
    var credentials: ClientTLS {
        ClientTLS(
            trustRoots: self.ca ?? Self.environment["BROADTAPE_CA"],
            certificate: self.certificate ?? Self.environment["BROADTAPE_CERTIFICATE"],
            key: self.key ?? Self.environment["BROADTAPE_KEY"]
        )
    }

    /// What to present; nil when no token was given.
    var tokenProvider: TokenProvider? {
        guard let token = self.token ?? Self.environment["BROADTAPE_TOKEN"], !token.isEmpty else { return nil }
        return { token }
    }
}
