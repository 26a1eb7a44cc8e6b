// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BroadtapeClient

/// Options that select the hub and the credentials of a command.
struct HubOptions: ParsableArguments {
    @Option(help: "URL of the hub (environment: BROADTAPE_URL; default http://127.0.0.1:8080).")
    var url: String?

    @Option(help: "Token to present (environment: BROADTAPE_TOKEN).")
    var token: String?

    @Option(help: "PEM file of certificates to trust for https and wss (environment: BROADTAPE_CA).")
    var ca: String?

    @Option(help: "PEM file of a client certificate to show (environment: BROADTAPE_CERTIFICATE); needs --key.")
    var certificate: String?

    @Option(help: "PEM file of its key (environment: BROADTAPE_KEY).")
    var key: String?

    /// The hub's address.
    func address() throws -> HubAddress {
        try HubAddress(self.url ?? Variable.value("BROADTAPE_URL") ?? "http://127.0.0.1:8080")
    }

    /// TLS trust and client certificate, for addresses that use TLS.
    var credentials: ClientTLS {
        ClientTLS(
            trustRoots: self.ca ?? Variable.value("BROADTAPE_CA"),
            certificate: self.certificate ?? Variable.value("BROADTAPE_CERTIFICATE"),
            key: self.key ?? Variable.value("BROADTAPE_KEY")
        )
    }

    /// The token to present; nil if none is given.
    var tokenProvider: TokenProvider? {
        guard let token = self.token ?? Variable.value("BROADTAPE_TOKEN"), !token.isEmpty else { return nil }
        return { token }
    }
}
