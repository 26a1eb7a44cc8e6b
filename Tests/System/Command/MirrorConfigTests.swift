// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// `chains` of the kind `hedera` in the configuration file.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct MirrorConfigTests {
    private static func check(_ yaml: String) async throws -> Program.Record {
        var record: Program.Record?
        try await withFolder { folder in
            record = try await Program.run(
                ["check-config", "--config", try folder.write(yaml, to: "hub.yaml")],
                in: folder
            )
        }
        return try #require(record)
    }

    private static let good = """
        chains:
          testnet:
            kind: hedera
            endpoints: [https://testnet.mirrornode.hedera.com, http://127.0.0.1:5551/provider/key]
            start: 2026-01-31T12:00:00Z
            settle: 90s
            reread: [1h, 24h]
            levels: [confirmed, final]
            poll: 2s
            owners: { 0.0.1001: u_42, "0x2b5ad5c4795c026514f8317c7a215e218dccd6cf": u_43 }
            contracts:
              0.0.1234:
                - event: Investment(address indexed investor, uint256 amount, uint256 shares)
                  moves:
                    - { owner: investor, amount: amount, decimals: 6, type: investment, currency: USDC }
              "0xf2e246bb76df876cef8b38ae84130f4f55de395b":
                - Redemption(address indexed investor, uint256 shares, uint256 amount)
            topics: [0.0.4321]
          evm:
            kind: evm
            endpoints: [http://127.0.0.1:8545]
            contracts:
              "0xf2e246bb76df876cef8b38ae84130f4f55de395b": [Closed(uint256 id)]

        """

    @Test func goodMirrorsAreAccepted() async throws {
        let record = try await Self.check(Self.good)
        #expect(record.status == 0, "\(record)")
        for other in ["1700000000.000000001", "0", "1700000000"] {
            let record = try await Self.check(Self.good.replacing("2026-01-31T12:00:00Z", with: other))
            #expect(record.status == 0, "\(record)")
        }
        #expect(try await Self.check(Self.good.replacing("[1h, 24h]", with: "[]")).status == 0)
    }

    /// The replaced text, its replacement, the line of the error, and words of the error message.
    @Test(arguments: [
        ("kind: hedera", "kind: hedra", 3, ["evm or hedera"]),
        ("settle: 90s", "setle: 90s", 6, ["setle", "did you mean \"settle\""]),
        ("settle: 90s", "settle: 2h", 6, ["settle", "60s"]), ("settle: 90s", "settle: 0s", 6, ["settle"]),
        ("start: 2026-01-31T12:00:00Z", "start: yesterday", 5, ["start", "2026-01-31T12:00:00Z"]),
        ("start: 2026-01-31T12:00:00Z", "start: 9999999999.0", 5, ["start"]),
        ("reread: [1h, 24h]", "reread: [24h, 1h]", 7, ["reread", "ascending"]),
        ("reread: [1h, 24h]", "reread: 1h", 7, ["reread"]), ("reread: [1h, 24h]", "reread: [1s]", 7, ["reread"]),
        ("levels: [confirmed, final]", "levels: [seen, final]", 8, ["levels", "confirmed, final"]),
        ("levels: [confirmed, final]", "levels: [confirmed]", 8, ["levels"]), ("poll: 2s", "poll: 2", 9, ["poll"]),
        ("0.0.1001: u_42", "0.0: u_42", 10, ["owners", "0.0.1234"]),
        ("0.0.1234:", "0.1234:", 12, ["0.1234", "0.0.1234"]),
        ("0.0.1234:", "\"0x12\":", 12, ["0x12"]), ("amount: amount,", "amount: investor,", 15, ["amount", "number"]),
        ("[0.0.4321]", "[4321]", 18, ["4321", "topic"]), ("[0.0.4321]", "[0.0.1, 0.0.1]", 18, ["duplicate topic"]),
        ("endpoints: [https:", "endpoints: [ftp:", 4, ["http://"]),
        ("kind: evm", "start: yesterday", 20, ["start", "whole number"]),
    ])
    func mistakesAreNamed(_ part: String, _ other: String, _ line: Int, _ words: [String]) async throws {
        let yaml = Self.good.replacing(part, with: other)
        try #require(yaml != Self.good)
        let record = try await Self.check(yaml)
        #expect(record.status != 0)
        #expect(record.errors.contains("hub.yaml:\(line): "), "\(record.errors)")
        for word in words { #expect(record.errors.contains(word), "\(record.errors)") }
    }
}
