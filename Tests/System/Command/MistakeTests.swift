// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// `check-config` shows every mistake with its place, and `serve` refuses what could never take effect.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct MistakeTests {
    /// A mistake in each marked line.
    private static let mistaken = """
        prot: 1  # prot
        port: x  # port
        port: 2  # duplicate key
        heartbeat: 5  # heartbeat
        redis: http://h  # redis
        database: memory
        # above: database
        jwt-keys: none.pem
        # above: cannot be read
        jwt-secret-file: none
        # above: jwt-secret-file
        tls-certificate: no-certificate
        # above: no-certificate
        tls-key: no-key
        # above: no-key
        allowed-origins: https://*  # allowed-origins
        admin-names: "*.example.com"  # admin-names
        support-scope: a b  # support-scope
        fan-in: a.*=rateChange a.*=balanceUpdate  # twice
        otlp-endpoint: http://  # otlp-endpoint
        country-file: none.csv
        # above: none.csv
        blocked-countries: USA K  # USA
        trusted-proxies: proxy  # trusted-proxies
        types:
          1note: { readers: all, delivery: last }  # readers
          # above: 1note
          note:
            readers: none  # readers
            readers: everyone  # duplicate key
            fields:
              a: { values: [x, [y]] }  # values
              b: { kind: string, values: [x], requird: true }  # requird
              c: { kind: decimel, kind: string }  # decimel
        services:
          "a\\u0001b":  # cannot name a service
            scopes:
              - publish:rateChnge  # rateChnge
              - write:all  # write:all
            api-keys: bt_secret  # sha256:
            webhook-secret-files: none  # none
        chains:
          "bad name":  # cannot name a chain
            endpoints:
              - ftp://h  # an endpoint
              - http://  # an endpoint
            poll: 1  # poll
            contracts:
              0x12:  # not an address
                - event: Closed(uint id  # Closed
                  moves:
                    - { kind: none, decimals: 99 }  # decimals
                - { event: "Opened(address who, uint256 n)", moves: { owner: who } }  # list
                - event: Moved(address who, uint256 n)
                  moves:
                    - owner: n  # owner
                      amount: who  # amount
          testnet:
            kind: hedera
            endpoints: http://h
            settle: 9h  # settle
            contracts:
              x.y:  # not a contract
                - Closed(  # Closed
            topics: [x]  # topic
        rates:
          "bad name":  # cannot name an exchange
            dialect: nasdaq  # dialect
            pairs: [BTC]  # pair
            silence: 1  # silence
            rest: ftp://h  # rest

        """

    @Test func allMistakesAreToldEachWithItsPlace() async throws {
        try await withFolder { folder in
            let path = try folder.write(Self.mistaken, to: "hub.yaml")
            let record = try await Program.run(
                ["check-config", "--config", path, "--loops", "0"],
                environment: ["BROADTAPE_MAX_BODY": "huge", "BROADTAPE_SILENCE": "1ms"],
                in: folder
            )
            #expect((record.status ?? 0) > 0, "\(record)")
            let lines = record.errors.split(separator: "\n")
            func isTold(_ place: String, _ word: Substring) -> Bool {
                lines.contains { $0.contains(place) && $0.contains(word) }
            }
            var line = 0
            for text in Self.mistaken.split(separator: "\n", omittingEmptySubsequences: false) {
                line += 1
                guard let mark = text.firstMatch(of: #/# (above: )?(.+)$/#) else { continue }
                let place = "hub.yaml:\(mark.1 == nil ? line : line - 1):"
                #expect(isTold(place, mark.2), "\(place) \(mark.2) in \(record.errors)")
            }
            for place in ["--loops", "BROADTAPE_MAX_BODY", "BROADTAPE_SILENCE"] {
                #expect(lines.contains { $0.contains(place) }, "\(place) in \(record.errors)")
            }
            #expect(!record.errors.contains("fan-in is set, but") && !record.errors.contains("longer than heartbeat"))
            #expect(!record.errors.contains("bt_secret"))
        }
    }

    /// A file that cannot be read, or is not YAML, does not hide what is wrong elsewhere.
    @Test(arguments: [nil, "port: 'x\n", "- 1\n"])
    func aBadFileHidesNothingOutsideOfIt(_ yaml: String?) async throws {
        try await withFolder { folder in
            if let yaml { _ = try folder.write(yaml, to: "hub.yaml") }
            let record = try await Program.run(
                ["check-config", "--config", "hub.yaml"],
                environment: ["BROADTAPE_PORT": "x"],
                in: folder
            )
            #expect((record.status ?? 0) > 0, "\(record)")
            #expect(record.errors.contains("hub.yaml:") && record.errors.contains("BROADTAPE_PORT"), "\(record)")
        }
    }

    /// Keys are repeated in every way that YAML has.
    @Test(arguments: [
        ("port: 1\n'port': 2\nport: 3\nhost: [a]\n", [2, 3, 4]),
        ("types:\n  note: {readers: everyone, readers: owner}\n  note: 5\nprot: 1\n", [2, 3, 4]),
        ("types:\n  a:\n    readers: everyone\n    fields: {a: any, b: any,\n      a: any}\nprot: 1\n", [5, 6]),
        ("rates:\n  kraken:\n    pairs:\n      BTC/USDT:\n      BTC/USDT:\nprot: 1\n", [5, 6]),
    ])
    func repeatedKeysHideNothing(_ yaml: String, _ lines: [Int]) async throws {
        try await withFolder { folder in
            _ = try folder.write(yaml, to: "hub.yaml")
            let record = try await Program.run(["check-config", "--config", "hub.yaml"], in: folder)
            for line in lines { #expect(record.errors.contains("hub.yaml:\(line):"), "\(line): \(record)") }
        }
    }

    /// What would be accepted and never match, in otherwise good configurations.
    @Test(arguments: [
        ("allowed-origins: https://a.example https://b.example/app\n", "allowed-origins"),
        ("admin-names: a.example,b.example\n", "admin-names"),
        ("support-scope: off\nservices: { a: { api-keys: KEY, scopes: 'support:read' } }\n", "allows nothing"),
        ("services: { a: { api-keys: KEY, scopes: 'publish:note' } }\n", "did you mean"),
        ("country-file: countries.csv\nblocked-countries: UK KP\n", "UK is in no line"),
        ("otlp-endpoint: https:///v1\n", "otlp-endpoint"),
    ])
    func whatNeverTakesEffectIsRefused(_ yaml: String, _ word: String) async throws {
        try await withFolder { folder in
            _ = try folder.write("192.0.2.0/24,KP\n198.51.100.0/24,GB\n", to: "countries.csv")
            let key = "'sha256:" + String(repeating: "0", count: 64) + "'"
            let text = yaml.replacing("KEY", with: key) + "types: { notes: { readers: owner } }\n"
            _ = try folder.write(text, to: "hub.yaml")
            let record = try await Program.run(
                ["serve", "--port", "0", "--database", "memory:", "--config", "hub.yaml"],
                in: folder
            )
            #expect(record.status == 1 && record.errors.contains(word), "\(record)")
        }
    }

    /// The same with the mistakes mended.
    @Test func originsAndScopesTakeEffect() async throws {
        try await withFolder { folder in
            let yaml = """
                allowed-origins: https://*.example.com https://a.example:443
                support-scope: help
                admin-names: hub.example.com
                services: { a: { scopes: help, api-keys: 'sha256:\(String(repeating: "0", count: 64))' } }

                """
            _ = try folder.write(yaml, to: "hub.yaml")
            let hub = try await RunningHub.start(
                in: folder,
                ["--jwt-secret", RunningHub.secret, "--config", "hub.yaml"]
            )
            let curl = URL(fileURLWithPath: "/usr/bin/curl")
            for (origin, isAllowed) in [
                ("https://app.example.com", true), ("https://a.example", true), ("https://example.com", false),
            ] {
                let arguments = ["-si", "-H", "Origin: \(origin)", "\(hub.url)/channels"]
                let record = try await Program(at: curl, arguments, in: folder).end()
                #expect(record.output.lowercased().contains("access-control-allow-origin: \(origin)") == isAllowed)
            }
            try await hub.program.kill()
        }
    }
}
