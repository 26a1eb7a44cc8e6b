// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

/// Settings with a flag; the others are set in the environment or the file.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: "YAML file of settings and event types (environment: BROADTAPE_CONFIG).")
    var config: String?

    @Option(help: "Address to listen on (default 127.0.0.1).")
    var host: String?

    @Option(help: "Port to listen on; 0 picks a free one (default 8080).")
    var port: String?

    @Option(help: "Port for metrics and health, for operators only; 0 picks a free one (default 8081).")
    var adminPort: String?

    @Option(
        help: """
            sqlite:PATH, postgres://USER@HOST/NAME, or memory: for a tape that is lost when the process exits (default \
            sqlite:var/broadtape.db).
            """
    )
    var database: String?

    @Option(help: "redis://HOST or rediss://HOST: connects nodes and enables fan-in (default: a single node).")
    var redis: String?

    @Flag(help: "Migrate an older database at startup.")
    var migrate = false

    @Option(help: "Secret of HS256 tokens.")
    var jwtSecret: String?

    @Option(help: "File with the secret (default var/jwt-secret, created if missing).")
    var jwtSecretFile: String?

    @Option(help: "URL of the token issuer's JSON Web Key Set.")
    var jwksUrl: String?

    @Option(help: "Number of event loops (default one per core).")
    var loops: String?

    @Option(help: "Node name.")
    var node: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical (default info).")
    var logLevel: String?

    /// Settings that have a flag.
    static let flags: Set<Setting> = [
        .host, .port, .adminPort, .database, .redis, .migrate, .jwtSecret, .jwtSecretFile, .jwksURL, .loops, .node,
        .logLevel,
    ]

    /// Flags given on the command line.
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

    /// Reads and validates all settings.
    /// - Parameter checksSecrets: Whether to read the secrets that `serve` needs, too.
    func settings(checksSecrets: Bool = false) async throws(ConfigurationFault) -> Settings {
        try await Settings(
            flags: self.given,
            environment: ProcessInfo.processInfo.environment,
            path: [self.config, Variable.value("BROADTAPE_CONFIG")].compactMap { $0 }.first { !$0.isEmpty },
            checksSecrets: checksSecrets
        )
    }
}

/// Environment variables of commands.
enum Variable {
    /// One that is set to nothing is not set.
    static func value(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}
