// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Logging
import NIOCore
import NIOPosix

/// Migrates a database to the schema of this version, or returns its status.
///
/// For the command line; opening a ``PostgresTape`` does the same.
package enum PostgresMigrations {
    /// Reads the status without changing anything.
    package static func status(
        url: String,
        logger: Logger = Logger(label: "tape") { _ in SwiftLogNoOpLogHandler() }
    ) async throws(TapeFault) -> SchemaStatus {
        try await self.status(url: url, schema: .current, logger: logger)
    }

    /// Applies pending migrations and returns the resulting status.
    /// - Parameter progress: Receives the progress.
    package static func up(
        url: String,
        logger: Logger = Logger(label: "tape") { _ in SwiftLogNoOpLogHandler() },
        progress: @escaping SchemaAdvance.Tell = { _ in }
    ) async throws(TapeFault) -> SchemaStatus {
        try await self.up(url: url, schema: .current, logger: logger, progress: progress)
    }

    static func status(url: String, schema: PostgresSchema, logger: Logger) async throws(TapeFault) -> SchemaStatus {
        let address = try PostgresAddress(url: url)
        return try await self.with(address, logger) { session throws(PostgresFault) in
            let found = try PostgresUpgrade(schema: schema, place: address.description).inspect(session)
            return SchemaStatus(found: found, names: schema.migrations.map(\.name))
        }
    }

    static func up(
        url: String,
        schema: PostgresSchema,
        logger: Logger,
        progress: @escaping SchemaAdvance.Tell = { _ in }
    ) async throws(TapeFault) -> SchemaStatus {
        let address = try PostgresAddress(url: url)
        try await self.with(address, logger) { session throws(PostgresFault) in
            let upgrade = PostgresUpgrade(schema: schema, place: address.description, progress: progress)
            _ = try upgrade.run(session, allowMigration: true)
        }
        return try await self.status(url: url, schema: schema, logger: logger)
    }

    /// Runs work on a temporary connection, without a limit for long migrations.
    static func with<Value: Sendable>(
        _ address: PostgresAddress,
        _ logger: Logger,
        _ work: @escaping @Sendable (PostgresSession) throws(PostgresFault) -> Value
    ) async throws(TapeFault) -> Value {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let connection = PostgresConnection(
            address,
            limits: PostgresConnection.Limits(),
            loop: loops.next(),
            logger: logger
        )
        let result: Result<Value, PostgresFault>
        do throws(PostgresFault) {
            result = .success(try await connection.perform(within: .seconds(3600), work))
        } catch {
            result = .failure(error)
        }
        await connection.close()
        try? await loops.shutdownGracefully()
        return try result.mapError { $0.tapeFault }.get()
    }
}
