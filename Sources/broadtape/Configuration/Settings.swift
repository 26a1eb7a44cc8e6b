// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import Logging
import Server

/// The settings of `serve`, checked.
struct Settings {
    /// Where events are kept.
    enum Database: Equatable {
        case sqlite(path: String)
        case memory
    }

    var database: Database
    var allowsMigration: Bool
    var jwtSecret: String?
    var jwtSecretFile: String
    /// Whether the secret file's place was chosen by the operator, who then has to provide it.
    var isJWTSecretFileChosen: Bool
    var loops: Int
    var hub: HubConfiguration
    var edge: EdgeConfiguration
    /// Of its own, so that opening the hub to the world does not open this too.
    var adminHost: String
    var adminPort: Int
    /// Whether the admin port was chosen by the operator, for whom the hub does not start without it.
    var isAdminPortChosen: Bool
    var logLevel: Logger.Level

    /// - Parameters:
    ///   - flags: From the command line.
    ///   - environment: All variables; those of unknown `BROADTAPE_` names are not looked at.
    ///   - path: Of the YAML file, if there is one.
    init(
        flags: [Setting: String],
        environment: [String: String],
        path: String?
    ) async throws(ConfigurationFault) {
        let file: ConfigurationFile? = if let path { try ConfigurationFile(path: path) } else { nil }
        var reader = SettingsReader(flags: flags, environment: environment, file: file)
        let types = if let file { try TypeDeclarations.types(in: file) } else { [EventType]() }

        self.database = reader.value(.database, "sqlite:PATH or memory:", Self.database) ?? .memory
        self.allowsMigration = reader.flag(.migrate)
        self.jwtSecret = reader.text(.jwtSecret)
        self.jwtSecretFile = reader.text(.jwtSecretFile) ?? ""
        self.isJWTSecretFileChosen = reader.isSet(.jwtSecretFile)
        self.loops = reader.number(.loops, in: 1...1024) ?? ProcessInfo.processInfo.activeProcessorCount
        self.logLevel =
            reader.value(.logLevel, "one of \(Self.logLevels)") { Logger.Level(rawValue: $0) } ?? .info

        var hub = HubConfiguration()
        hub.types = EventTypes(declared: types)
        hub.node = reader.text(.node) ?? ""
        hub.allowsAnonymousReading = reader.flag(.anonymous)
        hub.roster.heartbeat = reader.duration(.heartbeat, in: .milliseconds(100) ... .seconds(3600))
        hub.roster.silence = reader.duration(.silence, in: .milliseconds(200) ... .seconds(7200))
        hub.roster.authentication = reader.duration(.authenticationTimeout, in: .milliseconds(100) ... .seconds(3600))
        hub.roster.subscriptionsPerMember = reader.number(.maxSubscriptions, in: 1...1_000_000) ?? 1
        hub.drainWindow = reader.duration(.drainWindow, in: .zero ... .seconds(3600))
        hub.intake.events = reader.number(.maxEvents, in: 1...1_000_000) ?? 1
        hub.intake.dataBytes = reader.bytes(.maxData, in: 64...16 << 20)
        hub.ringBytes = reader.bytes(.ringMemory, in: 0...1 << 40)
        hub.writer.waitingBytes = reader.bytes(.writeQueue, in: 1 << 10...1 << 40)
        hub.housekeeping = reader.duration(.housekeeping, in: .seconds(1) ... .seconds(86_400))
        if hub.roster.silence <= hub.roster.heartbeat {
            reader.complain("silence must be longer than heartbeat: clients answer the ping that goes with it")
        }
        self.hub = hub

        var edge = EdgeConfiguration()
        edge.host = reader.text(.host) ?? ""
        edge.port = reader.number(.port, in: 0...65_535) ?? 0
        edge.bodyBytes = reader.bytes(.maxBody, in: 1 << 10...1 << 30)
        edge.messageBytes = reader.bytes(.maxMessage, in: 1 << 10...1 << 30)
        self.edge = edge
        self.adminHost = reader.text(.adminHost) ?? ""
        self.adminPort = reader.number(.adminPort, in: 0...65_535) ?? 0
        self.isAdminPortChosen = reader.isSet(.adminPort)

        guard reader.complaints.isEmpty else { throw ConfigurationFault(reader.complaints) }
    }

    private static let logLevels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")

    private static func database(_ text: String) -> Database? {
        if text == "memory:" { return .memory }
        guard text.hasPrefix("sqlite:") else { return nil }
        let path = text.dropFirst("sqlite:".count)
        return path.isEmpty ? nil : .sqlite(path: String(path))
    }
}
