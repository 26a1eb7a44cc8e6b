// SPDX-License-Identifier: Apache-2.0

package import EventLog
import GRDB
package import Logging

extension SQLiteTape {
    /// The schema version of the file at a path, which may be in use; nothing is made or changed.
    package static func schemaStatus(path: String) async throws(TapeFault) -> SchemaStatus {
        try await offLoop { () throws(TapeFault) in
            try SchemaStatus(found: Opening(path: path).version(), names: Schema.current.migrations.map(\.name))
        }
    }

    /// What is damaged in the file at a path, which may be in use; nil where it is too large to be examined in passing.
    package static func damage(path: String) async throws(TapeFault) -> [String]? {
        try await offLoop { () throws(TapeFault) in try Opening(path: path).damage() }
    }

    /// What is damaged, however large the file is.
    package func damage() async throws(TapeFault) -> [String] {
        try await self.read { db in try Examination(db).findings(isThorough: true, limit: Examination.limit) }
    }

    /// Brings the file at a path to this program's schema, making it if it is missing, and leaves it.
    ///
    /// Refused while a hub has it.
    /// - Parameter progress: Told how the migrations go.
    /// - Returns: How far it is then.
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
