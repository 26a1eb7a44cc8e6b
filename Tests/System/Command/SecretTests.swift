// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// No program starts with a secret that is none, wherever it comes from.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct SecretTests {
    private static let serve = ["serve", "--port", "0", "--admin-port", "0", "--database", "memory:"]
    private static let load = ["connect", "--to", "http://127.0.0.1:1", "--patience", "1s"]
    /// What is not taken, and a word of why.
    private static let weak = [
        ("", "empty"), ("\n", "empty"), ("                                        ", "blanks"), ("short", "5 bytes"),
        ("0123456789abcdef0123456789abcde", "31 bytes"), ("0123456789abcdef0123456789abcde\n", "31 bytes"),
        ("0123456789abcdef0123456789abcdef\n\n", "line end"),
    ]

    private static func expectRefusal(_ record: Program.Record, _ word: String, _ what: String) {
        #expect((record.status ?? 0) > 0, "\(what): \(record)")
        #expect(record.errors.contains(word) || record.output.contains(word), "\(what): \(record)")
        #expect(!record.errors.contains("0123456789") && !record.errors.contains("listening"), "\(what): \(record)")
    }

    @Test(arguments: Self.weak)
    func weakSecretsAreRefusedByEveryCommand(_ secret: String, _ word: String) async throws {
        try await withFolder { folder in
            let file = try folder.write(secret, to: "secret")
            let token = ["token", "--subject", "u_42"]
            for command in [Self.serve, token, ["check-config"], ["doctor", "--database", "memory:"]] {
                for (arguments, environment) in [
                    (["--jwt-secret", secret], [:]), ([], ["BROADTAPE_JWT_SECRET": secret]),
                    (["--jwt-secret-file", file], [:]), ([], ["BROADTAPE_JWT_SECRET_FILE": file]),
                ] as [([String], [String: String])] {
                    let record = try await Program.run(command + arguments, environment: environment, in: folder)
                    Self.expectRefusal(record, word, "\(command[0]) \(arguments) \(environment.keys)")
                }
            }
            for arguments in [["--jwt-secret", secret], ["--jwt-secret-file", file]] {
                let record = try await Program.run(Self.load + arguments, of: "broadtape-load", in: folder)
                Self.expectRefusal(record, word, "broadtape-load \(arguments)")
            }
        }
    }

    /// The nodes' own secret, only where there is Redis.
    @Test(arguments: Self.weak)
    func weakSecretsOfTheBusAreRefused(_ secret: String, _ word: String) async throws {
        try await withFolder { folder in
            _ = try folder.write(secret, to: "secret")
            let good = try folder.write(RunningHub.secret, to: "good")
            let arguments = [
                "--jwt-secret", RunningHub.secret, "--redis", "redis://127.0.0.1:1", "--database", "sqlite:tape.db",
            ]
            for environment in [
                ["BROADTAPE_BUS_SECRET": secret], ["BROADTAPE_BUS_SECRET_FILE": "secret"],
                ["BROADTAPE_BUS_SECRET_FILE": "\(good) secret"],
            ] {
                for command in [["serve", "--port", "0", "--admin-port", "0"], ["check-config"]] {
                    let record = try await Program.run(command + arguments, environment: environment, in: folder)
                    Self.expectRefusal(record, word, "\(command[0]) \(environment.keys)")
                }
            }
        }
    }

    /// A line end behind it, as `echo` writes one, is no part of a secret in any place.
    @Test func theSameTextIsTheSameSecretInAVariableAndInAFile() async throws {
        try await withFolder { folder in
            let file = try folder.write(RunningHub.secret + "\n", to: "secret")
            let hub = try await RunningHub.start(
                in: folder,
                [],
                environment: ["BROADTAPE_JWT_SECRET": RunningHub.secret + "\n"]
            )
            for arguments in [["--jwt-secret", RunningHub.secret], ["--jwt-secret-file", file]] {
                let token = try await Program.run(["token", "--subject", "u_42"] + arguments, in: folder)
                #expect(token.status == 0, "\(token)")
                #expect(try await hub.get("/channels", token: token.lines.first).status == 200)
            }
            try await hub.program.kill()
        }
    }
}
