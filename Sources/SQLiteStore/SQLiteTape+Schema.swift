// SPDX-License-Identifier: Apache-2.0

package import EventLog
import GRDB
package import Logging

extension SQLiteTape {
    /// The schema version of the file at a path, which may be in use; creates and changes nothing.
    package static func schemaStatus(path: String) async throws(TapeFault) -> SchemaStatus {
        try await offLoop { () throws(TapeFault) in
            try SchemaStatus(found: Opening(path: path).version(), names: Schema.current.migrations.map(\.name))
        }
    }

    /// Damage found in the file at a path, which may be in use; nil if it is too large for a quick check.
    package static func damage(path: String) async throws(TapeFault) -> [String]? {
        try await offLoop { () throws(TapeFault) in try Opening(path: path).damage() }
    }

    /// Damage found in the file, whatever its size.
    package func damage() async throws(TapeFault) -> [String] {
        try await self.read { db in try Examination(db).findings(isThorough: true, limit: Examination.limit) }
    }

    /// Migrates the file at a path to the schema of this version, creating it if missing, and closes it.
    ///
    /// Refused while a hub has it open.
    /// - Parameter progress: Receives the progress of the migrations.
    /// - Returns: The resulting status.
    package static func migrate(
        path: String,
        logger: Logger = Logger(label: "tape") { _ in SwiftLogNoOpLogHandler() },
        progress: @escaping SchemaAdvance.Tell = { _ in }
    ) async throws(TapeFault) -> SchemaStatus {
        let opened = try await offLoop { () throws(TapeFault) in
            try Opening(path: path, allowMigration: true, logger: logger, progress: progress).run()
        }
        await offLoop {
            try? opened.pool.close()
            opened.files.release()
        }
        return try await self.schemaStatus(path: path)
    }
}
