// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct CheckConfigTests {
    private static func check(
        _ yaml: String?,
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        secrets: [String] = [],
        files: [String: String] = [:],
        prepare: (TestFolder) throws -> Void = { _ in }
    ) async throws -> Program.Record {
        var record: Program.Record?
        try await withFolder { folder in
            for name in secrets { _ = try folder.write("a secret", to: name) }
            try prepare(folder)
            for (name, text) in files { _ = try folder.write(text, to: name) }
            var arguments = ["check-config"] + arguments
            if let yaml { arguments += ["--config", try folder.write(yaml, to: "hub.yaml")] }
            record = try await Program.run(arguments, environment: environment, in: folder)
            #expect(!folder.exists("var"), "checking must not make anything")
        }
        return try #require(record)
    }

    @Test(arguments: [
        nil, "", "# nothing\n", "types:\n", "port: 9000\nheartbeat: 1s\nsilence: 3s\n",
        "close-slow-consumers: off\n", "close-slow-consumers: 10s\n",
        "types:\n  note:\n    readers: everyone\n", "types:\n  rateChange:\n    retention: forever\n",
        "types:\n  note:\n    readers: scope\n    slot: topic\n    delivery: latest\n    fields:\n      text: string\n",
    ])
    func goodConfigurationsAreAccepted(_ yaml: String?) async throws {
        let record = try await Self.check(yaml)
        #expect(record.status == 0, "\(record)")
        #expect(record.output.contains("valid"))
        #expect(record.output.contains("balanceUpdate, chainEvent"))
    }

    /// Configuration text, the line of the error, and words of the error message.
    static let mistakes: [(yaml: String, line: Int, words: [String])] = [
        ("prot: 8080\n", 1, ["prot", "did you mean \"port\""]),
        ("port: 8080\nhart-beat: 1s\n", 2, ["hart-beat", "did you mean \"heartbeat\""]),
        ("max_body: 1MiB\n", 1, ["max_body", "did you mean \"max-body\""]), ("zzzzzzz: 1\n", 1, ["zzzzzzz"]),
        ("port: 70000\n", 1, ["port", "70000", "65535"]), ("port: eighty\n", 1, ["port", "eighty"]),
        ("\n\nheartbeat: 10\n", 3, ["heartbeat", "10s"]), ("heartbeat: 1ms\n", 1, ["heartbeat"]),
        ("close-slow-consumers: 10\n", 1, ["close-slow-consumers", "off or a duration", "10s"]),
        ("close-slow-consumers: 0s\n", 1, ["close-slow-consumers", "off or a duration"]),
        ("max-body: 1MB\n", 1, ["max-body", "1MB", "MiB"]), ("migrate: yes\n", 1, ["migrate", "true or false"]),
        ("log-level: loud\n", 1, ["log-level", "loud", "warning"]),
        ("database: mysql://x\n", 1, ["database", "sqlite:PATH"]),
        ("loops: 0\n", 1, ["loops"]), ("port: [1]\n", 1, ["port", "single value"]), ("types: 5\n", 1, ["types"]),
        ("types:\n  1note:\n    readers: everyone\n", 2, ["1note", "letter"]),
        ("types:\n  note:\n    delivery: every\n", 2, ["note", "readers"]),
        ("types:\n  note: 5\n", 2, ["note", "mapping"]),
        ("types:\n  note:\n    readers: all\n", 3, ["readers", "owner, everyone, scope"]),
        ("types:\n  note:\n    readers: everyone\n    delivery: last\n", 4, ["delivery", "every, latest"]),
        ("types:\n  note:\n    reader: everyone\n", 3, ["reader", "did you mean \"readers\""]),
        ("types:\n  note:\n    readers: everyone\n    retention: 3 days\n", 4, ["retention", "90d"]),
        ("types:\n  note:\n    readers: everyone\n    retention: 0s\n", 4, ["retention"]),
        ("types:\n  note:\n    readers: everyone\n    slot: [a]\n", 4, ["slot"]),
        ("types:\n  note:\n    readers: everyone\n    slot: { feld: a }\n", 4, ["slot"]),
        ("types:\n  note:\n    readers: everyone\n    slot: { field: a, defualt: b }\n", 4, ["defualt", "default"]),
        ("types:\n  note:\n    readers: everyone\n    fields: 5\n", 4, ["fields"]),
        (
            "types:\n  note:\n    readers: everyone\n    fields:\n      a: decimel\n", 5,
            ["decimel", "did you mean \"decimal\""]
        ),
        ("types:\n  note:\n    readers: everyone\n    fields:\n      a: { required: true }\n", 5, ["a", "kind"]),
        (
            "types:\n  note:\n    readers: everyone\n    fields:\n      a: { kind: string, requird: true }\n", 5,
            ["requird"]
        ),
        (
            "types:\n  note:\n    readers: everyone\n    fields:\n      a: { kind: string, required: maybe }\n", 5,
            ["required"]
        ),
        ("types:\n  note:\n    readers: everyone\n    fields:\n      a: { values: [] }\n", 5, ["values"]),
        ("types:\n  note:\n    readers: everyone\n    fields:\n      a: { values: x }\n", 5, ["values"]),
        ("types:\n  note:\n    readers: everyone\n    fields:\n      a: [string]\n", 5, ["a", "kind"]),
        ("types:\n  note:\n    readers: everyone\n    key-field: [a]\n", 4, ["key-field"]),
        ("port: 1\nport: 2\n", 2, ["port"]),
    ]

    @Test(arguments: Self.mistakes)
    func everyMistakeIsToldWithItsLine(_ yaml: String, _ line: Int, _ words: [String]) async throws {
        let record = try await Self.check(yaml)
        #expect((record.status ?? 0) > 0, "\(record)")
        #expect(record.errors.contains("hub.yaml:\(line)"), "\(record)")
        for word in words {
            #expect(record.errors.contains(word), "\(record)")
        }
    }

    @Test
    func allMistakesAreToldAtOnce() async throws {
        let record = try await Self.check("port: x\nheartbeat: y\nmax-events: z\n")
        for line in 1...3 {
            #expect(record.errors.contains("hub.yaml:\(line)"), "\(record)")
        }
    }

    @Test(arguments: ["a: b: c\n", "\tport: 1\n", "- 1\n", "port: 'x\n"])
    func whatIsNoMappingIsTold(_ yaml: String) async throws {
        let record = try await Self.check(yaml)
        #expect((record.status ?? 0) > 0, "\(record)")
        #expect(record.errors.contains("hub.yaml"), "\(record)")
    }

    @Test
    func aHeartbeatLongerThanTheSilenceIsRefused() async throws {
        let record = try await Self.check("heartbeat: 10s\nsilence: 5s\n")
        #expect((record.status ?? 0) > 0, "\(record)")
        #expect(record.errors.contains("silence"))
    }

    @Test(
        arguments: [
            ([], ["BROADTAPE_PORT": "x"], "BROADTAPE_PORT"), (["--port", "x"], ["BROADTAPE_PORT": "1"], "--port"),
            ([], ["BROADTAPE_MAX_BODY": "huge"], "BROADTAPE_MAX_BODY"), (["--loops", "-1"], [:], "--loops"),
        ] as [([String], [String: String], String)]
    )
    func mistakesOutsideTheFileAreToldByTheirName(
        _ arguments: [String],
        _ environment: [String: String],
        _ name: String
    ) async throws {
        let record = try await Self.check("port: 9000\n", arguments, environment: environment)
        #expect((record.status ?? 0) > 0, "\(record)")
        #expect(record.errors.contains(name), "\(record)")
    }

    /// Flags go before the environment, the environment before the file.
    @Test(
        arguments: [(["--port", "9000"], "x", "y", true), ([], "9000", "y", true), ([], nil, "y", false)]
            as [([String], String?, String, Bool)]
    )
    func theNearestSettingCounts(_ flags: [String], _ variable: String?, _ file: String, _ isGood: Bool) async throws {
        let environment = variable.map { ["BROADTAPE_PORT": $0] } ?? [:]
        let record = try await Self.check("port: \(file)\n", flags, environment: environment)
        #expect((record.status == 0) == isGood, "\(record)")
    }

    /// A public key, and a secret that is long enough.
    private static let files = [
        "auth.pem": """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
        -----END PUBLIC KEY-----

        """,
        "shop-secret": "a secret of thirty-two bytes and more",
        "jwt-secret": "another secret of thirty-two bytes and more",
        "bus-secret": "a third secret of thirty-two bytes and more\n",
    ]

    /// The same for access rules: configuration text, the line of the error, and words of the error message.
    static let accessMistakes: [(yaml: String, line: Int?, words: [String])] = [
        ("services: 5\n", 1, ["services", "mapping"]), ("services:\n  a: 5\n", 2, ["\"a\"", "scopes"]),
        ("services:\n  a:\n    scopes: publish:*\n", 2, ["api-keys", "authenticates"]),
        ("services:\n  a:\n    scope: publish:*\n", 3, ["did you mean \"scopes\""]),
        (
            "services:\n  a:\n    scopes: write:*\n    webhook-secret-files: shop-secret\n", 3,
            ["write:*", "support:read"]
        ),
        ("services:\n  a:\n    api-keys: bt_secret\n", 3, ["sha256:"]),
        ("services:\n  a:\n    webhook-secret-files: none\n", 3, ["none"]),
        ("services:\n  a:\n    webhook-secret-files: short\n", 3, ["32"]),
        (
            "services:\n  a:\n    webhook-secret-files: shop-secret\n  b:\n    webhook-secret-files: shop-secret\n", 5,
            ["\"a\" already has this secret"]
        ),
        ("services:\n  a:\n    scopes: source:rate:x\n    webhook-secret-files: shop-secret\n", 3, ["source:NAME"]),
        (
            "services:\n  a:\n    webhook-secret-files: shop-secret\ntypes:\n  rateChange:\n    retention: 5m\n", nil,
            ["rateChange", "replayed"]
        ),
        ("jwt-secret: ''\n", 1, ["jwt-secret", "empty"]), ("jwt-secret: short\n", 1, ["jwt-secret", "5 bytes"]),
        ("jwt-secret-file: short\n", nil, ["jwt-secret-file", "short", "6 bytes"]),
        ("jwt-secret-file: none\n", nil, ["jwt-secret-file", "none"]), ("jwt-secret-file: ''\n", 1, ["names no file"]),
        ("bus-secret: short\n", 1, ["bus-secret", "5 bytes"]), ("bus-secret-file: ''\n", 1, ["bus-secret-file"]),
        (
            "redis: redis://127.0.0.1\nbus-secret-file: bus-secret short\n", nil,
            ["bus-secret-file", "short", "6 bytes"]
        ),
        ("redis: redis://127.0.0.1\nbus-secret-file: a b c\n", 2, ["one file, or two"]),
        ("redis: redis://127.0.0.1\njwt-keys: auth.pem\n", nil, ["bus-secret-file", "32 bytes"]),
        ("redis: redis://127.0.0.1\nfan-in: pay.*\n", 2, ["pay.*", "pay.*=transactionUpdate"]),
        ("redis: redis://127.0.0.1\nfan-in: rate.* pay.*=balanceUpdte\n", 2, ["balanceUpdte", "balanceUpdate"]),
        ("redis: redis://127.0.0.1\nfan-in: =rateChange\n", 2, ["fan-in"]),
        ("redis: redis://127.0.0.1\nfan-in: \"pay.*=rateChange,source:\"\n", 2, ["cannot be a source"]),
        ("jwks-url: http://id.example/keys\n", 1, ["https://"]), ("jwks-url: id.example\n", 1, ["https://"]),
        ("jwt-keys: none.pem\n", nil, ["none.pem", "cannot be read"]),
        ("jwt-keys: short\n", nil, ["short", "neither PEM"]),
        ("max-token-age: 5s\n", 1, ["max-token-age"]), ("audit-retention: 5\n", 1, ["audit-retention"]),
        ("audit: some\n", 1, ["audit", "true or false"]),
    ]

    @Test(arguments: Self.accessMistakes)
    func mistakesOfAccessAreTold(_ yaml: String, _ line: Int?, _ words: [String]) async throws {
        let files = Self.files.merging(["short": "secret"]) { old, _ in old }
        let record = try await Self.check(yaml, files: files)
        #expect((record.status ?? 0) > 0, "\(record)")
        if let line { #expect(record.errors.contains("hub.yaml:\(line)"), "\(record)") }
        for word in words { #expect(record.errors.contains(word), "\(record)") }
        #expect(!record.errors.contains("bt_secret"), "a key that was written by mistake is not repeated")
    }

    /// The example file with everything in it uncommented.
    private static func uncommented() throws -> String {
        let file = Script.root.appendingPathComponent("config/broadtape.yaml")
        let lines = try String(contentsOf: file, encoding: .utf8).split(
            separator: "\n",
            omittingEmptySubsequences: false
        )
        // Secrets that are set in the file itself are shown as …; those in files are beside the configuration here.
        return lines.filter { !$0.contains(": … ") }.map { line in
            line.wholeMatch(of: #/# ((?:[a-z-]+|  .*):(?: .*)?)/#).map { String($0.1) } ?? String(line)
        }.joined(separator: "\n").replacing("jwt-secret-file: var/jwt-secret", with: "jwt-secret-file: jwt-secret")
    }

    @Test
    func theExampleFileIsGoodWithEverythingUncommented() async throws {
        let yaml = try Self.uncommented()
        let settings = yaml.split(separator: "\n").filter { $0.firstMatch(of: #/^[a-z-]+:/#) != nil }
        #expect(settings.count >= 23, "\(settings)")
        #expect(yaml.contains("\n  distributionUpdate:"))
        #expect(yaml.contains("\n  mainnet:"))
        let record = try await Self.check(
            yaml,
            secrets: ["postgres-password", "redis-password"],
            files: Self.files
        ) { folder in
            for name in ["hub", "clients"] { try TLSTests.makeCertificate(name, in: folder) }
            try folder.write("192.0.2.0/24,KP\n198.51.100.0/24,IR\n", to: "countries.csv")
        }
        #expect(record.status == 0, "\(record)\n\(yaml)")
        #expect(record.output.contains("distributionUpdate"), "\(record)")
    }
}
