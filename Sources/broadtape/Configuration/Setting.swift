// SPDX-License-Identifier: Apache-2.0

import SafeText

/// All settings: keys of the YAML file, `BROADTAPE_…` in the environment and, for the common ones, flags of `serve`.
/// Flags take precedence over the environment, the environment over the file.
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
    case busSecret = "bus-secret"
    case busSecretFile = "bus-secret-file"
    case fanIn = "fan-in"
    case staleAfter = "stale-after"
    case jwtSecret = "jwt-secret"
    case jwtSecretFile = "jwt-secret-file"
    case jwtKeys = "jwt-keys"
    case jwksURL = "jwks-url"
    case jwksMaxStale = "jwks-max-stale"
    case jwtIssuer = "jwt-issuer"
    case jwtAudience = "jwt-audience"
    case maxTokenAge = "max-token-age"
    case supportScope = "support-scope"
    case audit
    case auditRetention = "audit-retention"
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
    case tlsCertificate = "tls-certificate"
    case tlsKey = "tls-key"
    case tlsClientCA = "tls-client-ca"
    case publisherCertificates = "publisher-certificates"
    case headTimeout = "head-timeout"
    case bodyTimeout = "body-timeout"
    case idleTimeout = "idle-timeout"
    case allowedOrigins = "allowed-origins"
    case trustedProxies = "trusted-proxies"
    case countryFile = "country-file"
    case blockedCountries = "blocked-countries"
    case maxConnectionsPerAddress = "max-connections-per-address"
    case maxConnectionsPerUser = "max-connections-per-user"
    case maxMessageRate = "max-message-rate"
    case maxByteRate = "max-byte-rate"
    case maxPublishRate = "max-publish-rate"
    case maxConnectionRate = "max-connection-rate"
    case maxLag = "max-lag"
    case maxMemory = "max-memory"
    case page
    case adminNames = "admin-names"
    case housekeeping
    case logLevel = "log-level"
    case logFormat = "log-format"
    case otlpEndpoint = "otlp-endpoint"
    case traceSample = "trace-sample"

    /// The default value.
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
        case .databasePasswordFile, .redis, .redisPasswordFile, .busSecret, .busSecretFile, .jwtSecret, .loops: nil
        case .jwtSecretFile: "var/jwt-secret"
        case .jwtKeys, .jwksURL, .jwtIssuer, .jwtAudience: nil
        case .jwksMaxStale: "24h"
        case .maxTokenAge: "off"
        case .supportScope: "support:read"
        case .audit: "true"
        case .auditRetention: "365d"
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
        case .tlsCertificate, .tlsKey, .tlsClientCA, .trustedProxies, .countryFile, .blockedCountries: nil
        case .publisherCertificates: "off"
        case .headTimeout: "10s"
        case .bodyTimeout: "30s"
        case .idleTimeout: "120s"
        case .allowedOrigins: "any"
        case .maxConnectionsPerAddress, .maxConnectionsPerUser, .maxPublishRate, .maxMemory, .maxConnectionRate: "off"
        case .maxLag: "2s"
        case .maxMessageRate: "1000"
        case .maxByteRate: "1MiB"
        case .page: "true"
        case .adminNames: nil
        case .housekeeping: "60s"
        case .logLevel: "info"
        case .logFormat: "text"
        case .otlpEndpoint: nil
        case .traceSample: "0"
        }
    }

    /// A value for output and logs, without secrets.
    func shown(_ value: String) -> String {
        switch self {
        case .jwtSecret, .busSecret: Redaction.hidden
        case .database, .redis, .jwksURL, .otlpEndpoint: Redaction.address(value)
        default: Redaction.text(value)
        }
    }

    /// Whether a text is a value: nothing is none. A secret that is missing by mistake must not become another secret.
    func isGiven(_ text: String) -> Bool {
        !text.isEmpty || [Self.jwtSecret, .jwtSecretFile, .busSecret, .busSecretFile].contains(self)
    }

    /// The key of the YAML file under which event types are declared.
    static let types = "types"
    /// The key of the YAML file under which services are declared.
    static let services = "services"
    /// The key of the YAML file under which chains are declared.
    static let chains = "chains"
    /// The key of the YAML file under which exchanges are declared.
    static let rates = "rates"

    /// Name of its environment variable.
    var variable: String {
        "BROADTAPE_" + self.rawValue.uppercased().replacing("-", with: "_")
    }
}
