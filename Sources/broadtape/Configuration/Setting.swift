// SPDX-License-Identifier: Apache-2.0

/// Everything that can be set: as a key of the YAML file, as `BROADTAPE_…` in the environment, the common ones as a
/// flag of `serve`. Flags go before the environment, the environment before the file.
enum Setting: String, CaseIterable {
    case host
    case port
    case adminHost = "admin-host"
    case adminPort = "admin-port"
    case database
    case databasePasswordFile = "database-password-file"
    case migrate
    case redis
    case redisPasswordFile = "redis-password-file"
    case fanIn = "fan-in"
    case staleAfter = "stale-after"
    case jwtSecret = "jwt-secret"
    case jwtSecretFile = "jwt-secret-file"
    case loops
    case node
    case anonymous
    case heartbeat
    case silence
    case authenticationTimeout = "authentication-timeout"
    case closeSlowConsumers = "close-slow-consumers"
    case drainWindow = "drain-window"
    case maxBody = "max-body"
    case maxMessage = "max-message"
    case maxEvents = "max-events"
    case maxData = "max-data"
    case maxSubscriptions = "max-subscriptions"
    case ringMemory = "ring-memory"
    case writeQueue = "write-queue"
    case compression
    case compressionThreshold = "compression-threshold"
    case compressionTakeovers = "compression-takeovers"
    case housekeeping
    case logLevel = "log-level"

    /// What holds where nothing is set.
    var defaultText: String? {
        switch self {
        case .host: "127.0.0.1"
        case .port: "8080"
        case .adminHost: "127.0.0.1"
        case .adminPort: "8081"
        case .database: "sqlite:var/broadtape.db"
        case .migrate: "false"
        case .fanIn: "chain.* rate.*"
        case .staleAfter: "30s"
        case .databasePasswordFile, .redis, .redisPasswordFile, .jwtSecret, .loops: nil
        case .jwtSecretFile: "var/jwt-secret"
        case .node: "node-1"
        case .anonymous: "true"
        case .heartbeat: "10s"
        case .silence: "30s"
        case .authenticationTimeout: "5s"
        case .closeSlowConsumers: "off"
        case .drainWindow: "5s"
        case .maxBody: "1MiB"
        case .maxMessage: "1MiB"
        case .maxEvents: "10000"
        case .maxData: "64KiB"
        case .maxSubscriptions: "5000"
        case .ringMemory: "256MiB"
        case .writeQueue: "64MiB"
        case .compression: "off"
        case .compressionThreshold: "512B"
        case .compressionTakeovers: "100"
        case .housekeeping: "60s"
        case .logLevel: "info"
        }
    }

    /// The key of the YAML file under which event types are declared.
    static let types = "types"
    /// The key of the YAML file under which chains are declared.
    static let chains = "chains"

    /// Its name in the environment.
    var variable: String {
        "BROADTAPE_" + self.rawValue.uppercased().replacing("-", with: "_")
    }
}
