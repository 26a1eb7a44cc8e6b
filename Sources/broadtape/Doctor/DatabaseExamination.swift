// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import PostgresStore
import SQLiteStore

/// Checks whether the database can store the tape safely.
struct DatabaseExamination {
    private static let subject = "database"
    /// Free disk space below which the hub is about to stop accepting events, in bytes.
    private static let leastFree = 1 << 30
    /// Fraction of the server's connections that may be in use.
    private static let mostTaken = 0.8

    let database: Database

    func findings() async -> [Finding] {
        switch self.database {
        case .memory:
            return [.warning(Self.subject, "memory: is lost when the hub stops; use a file or a server")]
        case .sqlite(let path):
            return self.look(atFile: path) + (await self.examine(path))
        case .postgres(let url):
            do throws(TapeFault) {
                let condition = try await PostgresCondition.look(at: url)
                let here = Timestamp.now
                return Self.judge(condition, here: here) + [await self.schema(url)]
            } catch {
                return [.failure(Self.subject, error.explanation)]
            }
        }
    }

    private func schema(_ url: String) async -> Finding {
        do throws(TapeFault) {
            let status = try await PostgresMigrations.status(url: url)
            return Self.judge(status)
        } catch {
            return .failure("schema", error.explanation)
        }
    }

    static func judge(_ status: SchemaStatus) -> Finding {
        if status.found == status.wanted { return .good("schema", "version \(status.found)") }
        if status.found == 0 { return .good("schema", "the database is empty; `serve` sets it up") }
        return .failure("schema", "version \(status.found) of \(status.wanted); run `broadtape migrate up`")
    }

    static func judge(_ condition: PostgresCondition, here: Timestamp) -> [Finding] {
        var findings = [
            Finding.good(Self.subject, "Postgres \(condition.version), \(condition.roundTrip) a round trip")
        ]
        for setting in PostgresCondition.durability {
            let value = condition.settings[setting] ?? ""
            findings.append(
                value == "off"
                    ? .failure(
                        setting,
                        "is off: a power failure can lose commits that were answered with 200; set it to on"
                    )
                    : .good(setting, value)
            )
        }
        if condition.isReplica {
            findings.append(.failure(Self.subject, "the server is a read-only replica; use the primary"))
        }
        let taken = Double(condition.connections) / Double(max(1, condition.maxConnections))
        let connections = "\(condition.connections) of \(condition.maxConnections)"
        findings.append(
            taken <= Self.mostTaken
                ? .good("connections", connections)
                : .warning("connections", "\(connections) are in use; a node needs up to 10: raise max_connections")
        )
        let difference = ClockDifference(
            subject: "database clock",
            there: condition.clock,
            roundTrip: condition.roundTrip,
            here: here
        )
        return findings + [difference.finding]
    }

    /// Works whether or not a hub has the file open.
    private func examine(_ path: String) async -> [Finding] {
        do throws(TapeFault) {
            let damage = try await SQLiteTape.damage(path: path)
            guard FileManager.default.fileExists(atPath: path) else { return [] }
            let status = try await SQLiteTape.schemaStatus(path: path)
            return [Self.judge(damage), Self.judge(status)]
        } catch {
            return [.failure(Self.subject, error.explanation)]
        }
    }

    private static func judge(_ damage: [String]?) -> Finding {
        guard let damage else {
            return .warning(Self.subject, "is large and was not checked for damage; run `broadtape verify`")
        }
        guard let first = damage.first else { return .good(Self.subject, "is not damaged") }
        return .failure(
            Self.subject,
            "is damaged: \(first); `broadtape verify` lists all of it. Restore a backup"
        )
    }

    private func look(atFile path: String) -> [Finding] {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        var existing = folder
        while !FileManager.default.fileExists(atPath: existing), existing != "/" {
            existing = URL(fileURLWithPath: existing).deletingLastPathComponent().path
        }
        guard FileManager.default.isWritableFile(atPath: existing) else {
            return [.failure(Self.subject, "\(folder) cannot be written to by this user")]
        }
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: existing)
        guard let free = (attributes?[.systemFreeSize] as? NSNumber)?.intValue else {
            return [.good(Self.subject, path)]
        }
        let text = "\(path), \(free >> 20) MiB free"
        return [
            free >= Self.leastFree
                ? .good(Self.subject, text)
                : .warning(Self.subject, "\(text): publishing fails when the disk is full")
        ]
    }
}
