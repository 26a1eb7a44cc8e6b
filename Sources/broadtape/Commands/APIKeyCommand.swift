// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Server
import Terminal

/// `broadtape api-key`: makes a key for a service.
struct APIKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api-key",
        abstract: "Make an API key for a service.",
        discussion: """
            Prints the key, which the service presents as Authorization: Bearer or X-API-Key and nobody else keeps, and \
            its hash, which goes into the configuration: services, NAME, api-keys. A service may have two, so that one \
            can replace the other.
            """
    )

    func run() {
        let key = APIKey.make()
        StandardStream.output.print("key: \(key)")
        StandardStream.output.print("hash: \(APIKey.writtenHash(of: key))")
    }
}
