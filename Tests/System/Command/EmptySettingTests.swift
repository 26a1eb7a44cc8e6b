// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What is set to nothing is not set, wherever it is set; except for secrets (`SecretTests`).
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct EmptySettingTests {
    private static let secrets = ["jwt-secret", "jwt-secret-file", "bus-secret", "bus-secret-file"]

    /// The names of all settings but the secrets, from the program's own reference.
    private static func settings(in folder: TestFolder) async throws -> [String] {
        let reference = try await Program.run(["check-config", "--reference"], in: folder)
        let names = reference.output.matches(of: #/(?m)^\| `([a-z-]+)` \|.*`BROADTAPE_/#).map { String($0.1) }
        #expect(names.count > 60, "\(names)")
        return names.filter { !Self.secrets.contains($0) }
    }

    private static func variables(_ names: [String]) -> [String: String] {
        Dictionary(uniqueKeysWithValues: names.map { ("BROADTAPE_" + $0.uppercased().replacing("-", with: "_"), "") })
    }

    @Test func emptyVariablesAndKeysAreNotSet() async throws {
        try await withFolder { folder in
            let names = try await Self.settings(in: folder)
            let effective = ["check-config", "--effective"]
            let defaults = try await Program.run(effective, in: folder)
            #expect(defaults.status == 0, "\(defaults)")
            let empty = try await Program.run(effective, environment: Self.variables(names), in: folder)
            #expect(empty.output == defaults.output, "\(empty)")
            for nothing in ["", " ''", " \"\"", " null", " ~"] {
                let path = try folder.write(names.map { "\($0):\(nothing)\n" }.joined(), to: "hub.yaml")
                let record = try await Program.run(effective + ["--config", path], in: folder)
                #expect(record.output == defaults.output, "\(nothing): \(record)")
            }
            let flags = ["--host", "", "--port", "", "--redis", "", "--database", "", "--loops", "", "--config", ""]
            let flagged = try await Program.run(effective + flags, environment: ["BROADTAPE_CONFIG": ""], in: folder)
            #expect(flagged.output == defaults.output, "\(flagged)")
        }
    }

    /// One that is set to nothing does not hide the one in the file.
    @Test func theNextPlaceCounts() async throws {
        try await withFolder { folder in
            let path = try folder.write("port: 9123\nheartbeat: 7s\n", to: "hub.yaml")
            let record = try await Program.run(
                ["check-config", "--effective", "--config", path, "--port", ""],
                environment: ["BROADTAPE_PORT": "", "BROADTAPE_HEARTBEAT": ""],
                in: folder
            )
            for line in ["port: 9123  # ", "heartbeat: 7s  # "] {
                #expect(record.output.contains(line), "\(record)")
            }
        }
    }

    @Test func theHubStartsAndCommandsReachIt() async throws {
        try await withFolder { folder in
            var environment = Self.variables(try await Self.settings(in: folder))
            environment["BROADTAPE_PORT"] = nil
            let hub = try await RunningHub.start(in: folder, environment: environment)
            let commands = ["TOKEN", "CA", "CERTIFICATE", "KEY"].map { ("BROADTAPE_" + $0, "") }
            let listed = try await Program.run(
                ["channels", "--url", hub.url],
                environment: Dictionary(uniqueKeysWithValues: commands),
                in: folder
            )
            #expect(listed.status == 0, "\(listed)")
            let refused = try await Program.run(["channels"], environment: ["BROADTAPE_URL": ""], in: folder)
            #expect(!refused.errors.contains("address of a hub"), "\(refused)")
            try await hub.program.kill()
        }
    }

    @Test func emptyMembersOfDeclarationsAreNotSet() async throws {
        try await withFolder { folder in
            let yaml = """
                types:
                  note: { readers: everyone, delivery: , key-field: ~, slot: , retention: '', fields: }
                services:
                  shop: { scopes: , api-keys: ["sha256:\(String(repeating: "0", count: 64))"], webhook-secret-files: }
                chains:
                  mainnet:
                    kind:
                    endpoints: http://127.0.0.1:1
                    endpoints-file:
                    websocket:
                    chain-id:
                    start:
                    finality:
                    confirmations:
                    levels:
                    bloom:
                    poll:
                    stall:
                    range:
                    owners:
                    owners-file:
                    contracts:
                      "0xf2e246bb76df876cef8b38ae84130f4f55de395b":
                        - { event: Closed(uint256 id), moves: }
                  testnet:
                    kind: hedera
                    endpoints: http://127.0.0.1:1
                    start:
                    settle:
                    reread:
                    levels:
                    owners:
                    contracts:
                    topics: [0.0.1]
                rates:
                  kraken:
                    pairs: { BTC/USDT: , ETH/USDT: { symbol: , interval: } }
                    interval:
                    stale-after:
                    websocket:
                    rest:
                    poll:
                    silence:
                    lifetime:
                    book:

                """
            let path = try folder.write(yaml, to: "hub.yaml")
            let record = try await Program.run(["check-config", "--config", path], in: folder)
            #expect(record.status == 0, "\(record)")
        }
    }
}
