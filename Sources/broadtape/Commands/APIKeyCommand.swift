// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Server
import Terminal

/// `broadtape api-key`: creates an API key.
struct APIKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api-key",
        abstract: "Create an API key for a service.",
        discussion: """
            Prints the key, which the service sends as Authorization: Bearer or X-API-Key and keeps secret, and its \
            hash, which goes into the configuration: services, NAME, api-keys. A service may have two keys, so that \
            they can be rotated.
            """
    )

    func run() {
        let key = APIKey.make()
        StandardStream.output.print("key: \(key)")
        StandardStream.output.print("hash: \(APIKey.writtenHash(of: key))")
    }
}
