// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EventLog
import Logging
import PostgresStore
import SQLiteStore
import Terminal

/// `broadtape migrate`: migrates the database schema.
struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Migrate a database to the schema of this version, or show its version.",
        subcommands: [Up.self, Status.self]
    )

    /// `broadtape migrate up`
    struct Up: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Apply pending migrations.",
            discussion: "Concurrent runs are safe: one migrates, the others wait. An empty database is set up."
        )

        @OptionGroup var options: ConfigurationOptions
        @OptionGroup var progress: ProgressOptions

        func run() async throws {
            LogFormat.text.begin()
            let settings = try await self.options.settings()
            var logger = Logger(label: "broadtape")
            logger.logLevel = settings.logLevel
            let output = self.progress.output
            defer { output.clear() }
            let status = try await settings.database.migrate(logger: logger) { advance in
                output.show(
                    Advance(
                        "migration \(advance.version) (\(advance.name))",
                        done: advance.done,
                        of: advance.total > 0 ? advance.total : nil,
                        unit: "events"
                    )
                )
            }
            output.clear()
            status.show()
        }
    }

    /// `broadtape migrate status`
    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show which migrations are applied; changes nothing.",
            discussion: "Exit status 0 if none is pending, 1 if one is, 2 if that could not be found out."
        )

        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            try await ConfigurationFault.unlessUnchecked {
                let status = try await self.options.settings().database.schemaStatus()
                status.show()
                guard status.found == status.wanted else { throw ExitCode.failure }
            }
        }
    }
}

extension Database {
    fileprivate func schemaStatus() async throws(ConfigurationFault) -> SchemaStatus {
        do throws(TapeFault) {
            switch self {
            case .sqlite(let path): return try await SQLiteTape.schemaStatus(path: path)
            case .postgres(let url): return try await PostgresMigrations.status(url: url)
            case .memory: throw .unavailable(Self.hasNoSchema)
            }
        } catch {
            throw ConfigurationFault(error)
        }
    }

    /// - Returns: The schema status afterwards.
    fileprivate func migrate(
        logger: Logger,
        progress: @escaping SchemaAdvance.Tell
    ) async throws(ConfigurationFault) -> SchemaStatus {
        do throws(TapeFault) {
            switch self {
            case .sqlite(let path): return try await SQLiteTape.migrate(path: path, logger: logger, progress: progress)
            case .postgres(let url):
                return try await PostgresMigrations.up(url: url, logger: logger, progress: progress)
            case .memory: throw .unavailable(Self.hasNoSchema)
            }
        } catch {
            throw ConfigurationFault(error)
        }
    }

    private static let hasNoSchema = "a tape in memory has no schema; give a database with --database"
}

extension SchemaStatus {
    /// As a table, for the operator.
    fileprivate func show() {
        StandardStream.output.print("schema version \(self.found) of \(self.wanted)")
        for step in self.steps {
            StandardStream.output.print("\(step.version)", step.isApplied ? "applied" : "missing", step.name)
        }
    }
}
