// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

/// The settings that are flags too; the others are set in the environment or the file.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: "YAML file of settings and event types (environment: BROADTAPE_CONFIG).")
    var config: String?

    @Option(help: "Address to listen on (default 127.0.0.1).")
    var host: String?

    @Option(help: "Port to listen on; 0 takes a free one (default 8080).")
    var port: String?

    @Option(help: "Port for metrics and health, for operators only; 0 takes a free one (default 8081).")
    var adminPort: String?

    @Option(
        help: """
            sqlite:PATH, postgres://USER@HOST/NAME, or memory: for a tape that does not survive the process (default \
            sqlite:var/broadtape.db).
            """
    )
    var database: String?

    @Option(help: "redis://HOST or rediss://HOST: reach other nodes and fan events in (default: one node alone).")
    var redis: String?

    @Flag(help: "Bring an older database up to this version.")
    var migrate = false

    @Option(help: "Secret that HS256 tokens are signed with.")
    var jwtSecret: String?

    @Option(help: "File that holds the secret (default var/jwt-secret, made if missing).")
    var jwtSecretFile: String?

    @Option(help: "Where the issuer of tokens publishes its keys (a JSON Web Key Set).")
    var jwksUrl: String?

    @Option(help: "Event loops (default one per core).")
    var loops: String?

    @Option(help: "The node's name.")
    var node: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical (default info).")
    var logLevel: String?

    /// Settings that are flags too.
    static let flags: Set<Setting> = [
        .host, .port, .adminPort, .database, .redis, .migrate, .jwtSecret, .jwtSecretFile, .jwksURL, .loops, .node,
        .logLevel,
    ]

    /// What was given on the command line.
    private var given: [Setting: String] {
        var flags: [Setting: String] = [:]
        flags[.host] = self.host
        flags[.port] = self.port
        flags[.adminPort] = self.adminPort
        flags[.database] = self.database
        flags[.redis] = self.redis
        flags[.migrate] = self.migrate ? "true" : nil
        flags[.jwtSecret] = self.jwtSecret
        flags[.jwtSecretFile] = self.jwtSecretFile
        flags[.jwksURL] = self.jwksUrl
        flags[.loops] = self.loops
        flags[.node] = self.node
        flags[.logLevel] = self.logLevel
        return flags
    }

    /// Reads and checks all of it.
    func settings() async throws(ConfigurationFault) -> Settings {
        let environment = ProcessInfo.processInfo.environment
        return try await Settings(
            flags: self.given,
            environment: environment,
            path: self.config ?? environment["BROADTAPE_CONFIG"]
        )
    }
}
