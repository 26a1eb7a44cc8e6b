// SPDX-License-Identifier: Apache-2.0

import GRDB
package import Hub
package import Logging

/// Which form a tape's storage has, and which one this program uses.
package struct SchemaStatus: Sendable, Equatable {
    /// 0 for an empty one.
    package var found: Int
    package var wanted: Int

    package init(found: Int, wanted: Int) {
        self.found = found
        self.wanted = wanted
    }
}

extension SQLiteTape {
    /// The schema version of the file at a path, which may be in use; nothing is made or changed.
    package static func schemaStatus(path: String) async throws(TapeFault) -> SchemaStatus {
        try await offLoop { () throws(TapeFault) in
            try SchemaStatus(found: Opening(path: path).version(), wanted: Schema.current.version)
        }
    }

    /// Brings the file at a path to this program's schema, making it if it is missing, and leaves it.
    ///
    /// Refused while a hub has it.
    /// - Returns: What was found.
    package static func migrate(
        path: String,
        logger: Logger = Logger(label: "tape") { _ in SwiftLogNoOpLogHandler() }
    ) async throws(TapeFault) -> SchemaStatus {
        let opened = try await offLoop { () throws(TapeFault) in
            try Opening(path: path, allowMigration: true, logger: logger).run()
        }
        await offLoop { try? opened.pool.close() }
        return SchemaStatus(found: opened.found, wanted: Schema.current.version)
    }
}
