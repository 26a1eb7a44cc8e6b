// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// No command shows what gives access, however it was written.
@Suite(.system, .serialized, .timeLimit(.minutes(3)))
struct RedactionTests {
    private static let databases = [
        "postgres://app:hunter2@127.0.0.1:1/d", "postgres://127.0.0.1:1/d?user=app&password=hunter2",
        "Postgres://app:hunter2@127.0.0.1:1/d", "POSTGRESQL://app:hunter2@127.0.0.1:1/d",
        "postgers://app:hunter2@127.0.0.1:1/d", "postgres:/app:hunter2@127.0.0.1/d",
        "host=127.0.0.1 port=1 password=hunter2", "postgres://app:x@hunter2@127.0.0.1:1/d",
        "postgres://app:x/hunter2@127.0.0.1:1/d", "postgres://app:hunter2/x@127.0.0.1:1/d",
        "postgres://app:x?hunter2@127.0.0.1:1/d", "postgres://app:hunter2", "postgres://app:1/hunter2@127.0.0.1:1/d",
        "postgres://app:hunter2%zz@127.0.0.1:1/d", "postgres://127.0.0.1:1/d?sslmode=off&password=hunter2",
        "postgres://127.0.0.1:1/d?nonsense=hunter2",
    ]
    private static let commands = [
        ["check-config"], ["check-config", "--effective"], ["doctor"], ["migrate", "status"], ["migrate", "up"],
        ["verify"], ["serve", "--port", "0", "--admin-port", "0"],
    ]

    /// Runs to the end; a hub that waits for its database is ended.
    private static func output(
        _ arguments: [String],
        environment: [String: String],
        in folder: TestFolder
    ) async throws -> String {
        let program = try Program(
            arguments + ["--jwt-secret", RunningHub.secret],
            environment: environment,
            in: folder
        )
        do {
            try await program.record.wait(for: "the end, or that it listens", within: .seconds(15)) {
                $0.isOver || $0.errors.contains("listening")
            }
        } catch {
            try await program.kill()
            throw error
        }
        try await program.kill()
        let record = program.record.value
        return record.output + record.errors
    }

    @Test(arguments: databases)
    func aDatabasePasswordIsNotShown(_ database: String) async throws {
        try await withFolder { folder in
            for command in Self.commands {
                let text = try await Self.output(command + ["--database", database], environment: [:], in: folder)
                #expect(!text.contains("hunter2"), "\(command): \(text)")
                #expect(!text.isEmpty, "\(command)")
            }
        }
    }

    @Test(arguments: [
        ("BROADTAPE_REDIS", "redis://:hunter2@127.0.0.1:1"), ("BROADTAPE_REDIS", "Rediss://app:hunter2@127.0.0.1:1/x"),
        ("BROADTAPE_REDIS", "redis//:hunter2@h"),
        ("BROADTAPE_JWKS_URL", "https://app:hunter2@127.0.0.1:1/hunter2?k=hunter2"),
        ("BROADTAPE_JWKS_URL", "http://app:hunter2@h/hunter2"),
        ("BROADTAPE_OTLP_ENDPOINT", "http://app:hunter2@127.0.0.1:1/hunter2?key=hunter2"),
        ("BROADTAPE_OTLP_ENDPOINT", "HTTP//hunter2"), ("BROADTAPE_PORT", "postgres://app:hunter2@h/d"),
        ("BROADTAPE_ADMIN_NAMES", "https://app:hunter2@h"), ("BROADTAPE_DATABASE", "redis://:hunter2@h"),
    ])
    func secretsOfOtherAddressesAreNotShown(_ name: String, _ value: String) async throws {
        try await withFolder { folder in
            for command in [["check-config"], ["check-config", "--effective"], ["doctor"]] {
                let text = try await Self.output(command, environment: [name: value], in: folder)
                #expect(!text.contains("hunter2"), "\(command): \(text)")
            }
        }
    }

    @Test(arguments: [
        "chains: {c: {endpoints: ['HTTPS://h/hunter2'], contracts: {}}}",
        "chains: {c: {endpoints: [h], websocket: 'ws://app:hunter2@h/', contracts: {}}}",
        "rates: {binance: {pairs: [BTC/USDT], rest: 'ftp://app:hunter2@h'}}",
        "rates: {binance: {pairs: [BTC/USDT], websocket: 'wss://app:hunter2@h'}}",
        "database: 'Postgres//app:hunter2@h'", "databose: 'postgres://app:hunter2@h/d'",
    ])
    func secretsOfAFileAreNotShown(_ text: String) async throws {
        try await withFolder { folder in
            let file = try folder.write(text + "\n", to: "broadtape.yaml")
            for command in [["check-config"], ["check-config", "--effective"], ["serve", "--port", "0"]] {
                let text = try await Self.output(command + ["--config", file], environment: [:], in: folder)
                #expect(!text.contains("hunter2"), "\(command): \(text)")
            }
        }
    }

    @Test(arguments: [
        ["tail", "a:b", "--url", "http://app:hunter2@127.0.0.1:1"], ["channels", "--url", "HTTP//app:hunter2@h"],
        ["drain", "--admin-url", "http://app:hunter2@127.0.0.1:1"],
        ["top", "--once", "--to", "http://app:hunter2@127.0.0.1:1"],
        ["top", "--once", "--to", "ftp://app:hunter2@h"], ["verify", "postgres://app:hunter2@h/d"],
        ["chain", "run", "--outbox", "postgres:app:hunter2@h"],
        ["chain", "resolve", "x", "--outbox", "postgres://app:hunter2@h"],
    ])
    func secretsOfTheCommandLineAreNotRepeated(_ arguments: [String]) async throws {
        try await withFolder { folder in
            let record = try await Program.run(arguments, in: folder)
            #expect(record.status != 0)
            #expect(!(record.output + record.errors).contains("hunter2"), "\(record)")
        }
    }

    @Test(arguments: [
        ("broadtape-load", ["fanout", "--to", "http://app:hunter2@127.0.0.1:1"]),
        ("broadtape-load", ["fanout", "--to", "hunter2@127.0.0.1:1"]),
        ("broadtape-bench", ["append", "--database", "postgres://app:hunter2@127.0.0.1:1/d"]),
        ("broadtape-bench", ["append", "--database", "postgres://127.0.0.1:x/d?password=hunter2"]),
    ])
    func otherProgramsRepeatNoneEither(_ name: String, _ arguments: [String]) async throws {
        try await withFolder { folder in
            let record = try await Program.run(arguments, of: name, in: folder)
            #expect(record.status != 0)
            #expect(!record.errors.isEmpty && !(record.output + record.errors).contains("hunter2"), "\(record)")
        }
    }

    /// An operator still sees the target of the hub's connections and the user name.
    @Test func whatIsNotSecretIsShown() async throws {
        try await withFolder { folder in
            let environment = [
                "BROADTAPE_DATABASE": "postgres://app:hunter2@db:5432/name?sslmode=require",
                "BROADTAPE_REDIS": "rediss://app:hunter2@redis:6380/2",
                "BROADTAPE_OTLP_ENDPOINT": "http://collector:4318",
            ]
            let text = try await Self.output(["check-config", "--effective"], environment: environment, in: folder)
            for line in [
                "database: postgres://app:********@db:5432/name?sslmode=require",
                "redis: rediss://********@redis:6380/2",
                "otlp-endpoint: http://collector:4318",
            ] {
                #expect(text.contains(line), "\(text)")
            }
        }
    }
}
