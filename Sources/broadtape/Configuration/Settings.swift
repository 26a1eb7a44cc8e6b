// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import Hub
import JSON
import Logging
import RedisBus
import Secrets
import Server
import Yams

/// The validated settings of `serve`.
struct Settings {
    var database: Database
    var allowsMigration: Bool
    /// Connects the nodes; nil for a single node.
    var redis: RedisAddress?
    /// Patterns of the fan-in channels; empty without Redis.
    var fanIn: [String]
    let secrets: SecretSettings
    var access: AccessSettings
    var loops: Int
    var hub: HubConfiguration
    var edge: EdgeConfiguration
    /// Nil serves without TLS.
    var tls: ServerTLS?
    /// Nil serves everybody.
    var countries: BlockedCountries?
    /// Separate from the hub's host, so that a public hub does not expose the admin port.
    var adminHost: String
    var adminPort: Int
    /// Whether the operator set the admin port. If so, the hub does not start without it.
    var isAdminPortChosen: Bool
    /// Further names of the admin port.
    var adminNames: [String]
    /// Whether to serve the live page.
    var servesPage: Bool
    var logLevel: Logger.Level
    let sources: SourceSettings
    var logFormat: LogFormat
    /// Collector that receives spans; nil records none.
    var otlpEndpoint: String?
    /// Fraction of requests without a trace for which one is started, from 0 to 1.
    var traceSample: Double
    /// Effective values of all settings, with their origin.
    let effective: [EffectiveSetting]
    /// Accepted values of each setting, as text; settings that accept any text are missing.
    let expectations: [Setting: String]
    /// Files that other users of the machine must not be able to read.
    let secretFiles: [(setting: Setting, path: String)]
    /// Files of certificates.
    let certificateFiles: [(setting: Setting, path: String)]

    /// - Parameters:
    ///   - flags: From the command line.
    ///   - environment: All variables; unknown `BROADTAPE_` names are ignored.
    ///   - path: Of the YAML file, if there is one.
    ///   - checksSecrets: Whether to read the secrets that `serve` needs, too.
    init(
        flags: [Setting: String],
        environment: [String: String],
        path: String?,
        checksSecrets: Bool = false
    ) async throws(ConfigurationFault) {
        let file = path.map { ConfigurationFile(path: $0) }
        var reader = SettingsReader(flags: flags, environment: environment, file: file)
        let types = file.map { TypeDeclarations.types(in: $0, errors: &reader.errors) } ?? []
        let eventTypes = EventTypes(declared: types)
        let supportScope = Self.supportScope(&reader)
        let services = file.map { file in
            ServiceDeclarations.services(
                in: file,
                types: eventTypes,
                supportScope: supportScope,
                errors: &reader.errors
            )
        }
        self.sources = file.map { SourceSettings(in: $0, errors: &reader.errors) } ?? SourceSettings()

        if let file { Self.check(types, services ?? [], in: file, &reader) }
        let databasePassword = Self.password(.databasePasswordFile, &reader)
        let database = reader.value(.database, Database.expectation) { Database($0, password: databasePassword) }
        self.database = database ?? .memory
        let redisPassword = Self.password(.redisPasswordFile, &reader)
        self.redis = Self.redis(password: redisPassword, &reader)
        let fanIn = FanInSetting(reader.text(.fanIn) ?? "", types: eventTypes)
        for message in fanIn.errors { reader.addError(.fanIn, message) }
        self.fanIn = fanIn.rules.map(\.pattern)
        if self.redis == nil {
            if reader.isSet(.fanIn), !self.fanIn.isEmpty, !reader.isSet(.redis) {
                reader.addError(.fanIn, "is set, but redis is not")
            }
            self.fanIn = []
        } else if database == .memory {
            reader.addError(.redis, "is set, but nodes with tapes in memory share no database")
        }
        self.allowsMigration = reader.flag(.migrate)
        self.secrets = SecretSettings(&reader)
        self.access = await AccessSettings(&reader, services: services ?? [])
        self.loops = reader.number(.loops, in: 1...1024) ?? ProcessInfo.processInfo.activeProcessorCount
        self.logLevel =
            reader.value(.logLevel, "one of \(Self.logLevels)") { Logger.Level(rawValue: $0) } ?? .info

        self.logFormat = reader.value(.logFormat, LogFormat.expectation) { LogFormat(rawValue: $0) } ?? .text
        self.otlpEndpoint = reader.value(.otlpEndpoint, "a URL such as http://127.0.0.1:4318") { text in
            HTTPAddress.host(of: text).map { _ in text }
        }
        self.traceSample =
            reader.value(.traceSample, "a number from 0 to 1") { text in
                Double(decimal: text, in: 0...1)
            } ?? 0
        self.effective = reader.effective
        func files(_ settings: Setting...) -> [(setting: Setting, path: String)] {
            settings.compactMap { setting in reader.text(setting).map { (setting, $0) } }
        }
        self.secretFiles =
            files(.jwtSecretFile, .databasePasswordFile, .redisPasswordFile, .tlsKey)
            + self.secrets.busFiles.map { (.busSecretFile, $0) }
        self.certificateFiles = files(.tlsCertificate, .tlsClientCA)

        var hub = HubConfiguration()
        hub.types = eventTypes
        hub.node = reader.text(.node) ?? ""
        hub.allowsAnonymousReading = reader.flag(.anonymous)
        hub.supportScope = supportScope
        hub.audit.isOn = reader.flag(.audit)
        hub.audit.retention = reader.durationOrForever(
            .auditRetention,
            in: .seconds(3600) ... .seconds(36_500 * 86_400)
        )
        hub.shard.heartbeat = reader.duration(.heartbeat, in: .milliseconds(100) ... .seconds(3600))
        hub.shard.silence = reader.duration(.silence, in: .milliseconds(200) ... .seconds(7200))
        hub.shard.authentication = reader.duration(.authenticationTimeout, in: .milliseconds(100) ... .seconds(3600))
        hub.shard.slowConsumer = reader.durationOrOff(.closeSlowConsumers, in: .milliseconds(100) ... .seconds(3600))
        hub.shard.subscriptionsPerMember = reader.number(.maxSubscriptions, in: 1...1_000_000) ?? 1
        hub.drainWindow = reader.duration(.drainWindow, in: .zero ... .seconds(3600))
        hub.intake.events = reader.number(.maxEvents, in: 1...1_000_000) ?? 1
        hub.intake.dataBytes = reader.bytes(.maxData, in: 64...16 << 20)
        hub.ringBytes = reader.bytes(.ringMemory, in: 0...1 << 40)
        hub.writer.waitingBytes = reader.bytes(.writeQueue, in: 1 << 10...1 << 40)
        hub.fanIn.rules = FanInRules(fanIn.rules, followed: self.sources.names)
        hub.fanIn.staleAfter = reader.duration(.staleAfter, in: .seconds(1) ... .seconds(86_400))
        hub.housekeeping = reader.duration(.housekeeping, in: .seconds(1) ... .seconds(86_400))
        // Zero is one with a mistake.
        if hub.shard.silence <= hub.shard.heartbeat, hub.shard.silence > .zero {
            reader.addError(.silence, "must be longer than heartbeat: clients answer the ping sent with it")
        }
        var edge = EdgeConfiguration()
        edge.host = reader.text(.host) ?? ""
        edge.port = reader.number(.port, in: 0...65_535) ?? 0
        edge.bodyBytes = reader.bytes(.maxBody, in: 1 << 10...1 << 30)
        edge.messageBytes = reader.bytes(.maxMessage, in: 1 << 10...1 << 30)
        edge.compression = reader.value(.compression, "on or off") { ["on": true, "off": false][$0] } ?? false
        edge.compressionThreshold = reader.bytes(.compressionThreshold, in: 0...1 << 30)
        edge.takeoverConnections = reader.number(.compressionTakeovers, in: 0...1_000_000) ?? 0
        let guarding = Self.readGuarding(&edge, &hub, &reader)
        self.hub = hub
        self.edge = edge
        self.tls = guarding.tls
        self.countries = guarding.countries
        self.adminHost = reader.text(.adminHost) ?? ""
        self.adminPort = reader.number(.adminPort, in: 0...65_535) ?? 0
        self.isAdminPortChosen = reader.isSet(.adminPort)
        self.servesPage = reader.flag(.page)
        self.adminNames =
            reader.value(.adminNames, "names or addresses such as hub.example.com, without ports, separated by spaces")
        {
            let names = $0.split(whereSeparator: \.isWhitespace).map(String.init)
            return names.allSatisfy(AdminHosts.isName) ? names : nil
        } ?? []

        self.expectations = reader.expectations
        if checksSecrets { reader.errors += self.secretErrors }
        guard reader.errors.isEmpty else { throw ConfigurationFault(reader.errors) }
    }

    /// Replays of a signed request are detected by its IDs, as long as these are retained.
    private static func check(
        _ types: [EventType],
        _ services: [ServiceAccount],
        in file: ConfigurationFile,
        _ reader: inout SettingsReader
    ) {
        guard services.contains(where: { !$0.secrets.isEmpty }) else { return }
        let least = Duration.seconds(2 * WebhookSignature.tolerance)
        for type in types {
            guard let retention = type.retention, retention < least else { continue }
            let line = file.types[Node(type.name)]?.mapping?["retention"]?.mark?.line ?? 0
            reader.errors.append(
                "\(file.path):\(line): types: \(type.name) is retained for \(retention), so a signed request could be replayed after that;"
                    + " webhook-secret-files need a retention of \(least) or more"
            )
        }
    }

    private static let logLevels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")

    private static func redis(password: String?, _ reader: inout SettingsReader) -> RedisAddress? {
        guard let text = reader.text(.redis) else { return nil }
        do throws(RedisAddress.Invalid) {
            var address = try RedisAddress(text)
            if let password { address.password = RedisPassword(password) }
            return address
        } catch {
            reader.addError(.redis, "\(error)")
            return nil
        }
    }

    /// Nil if it is off. In tokens, scopes are separated by blanks.
    private static func supportScope(_ reader: inout SettingsReader) -> String? {
        guard reader.text(.supportScope) != "off" else { return nil }
        let scope = reader.value(.supportScope, "a scope, or off") { $0.contains(where: \.isWhitespace) ? nil : $0 }
        return scope ?? Scope.support
    }

    private static func password(_ setting: Setting, _ reader: inout SettingsReader) -> String? {
        guard let path = reader.text(setting) else { return nil }
        do throws(SecretLine.Invalid) {
            return try SecretLine(file: path).text
        } catch {
            reader.addError(setting, error.description)
            return nil
        }
    }
}
