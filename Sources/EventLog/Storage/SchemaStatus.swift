// SPDX-License-Identifier: Apache-2.0

/// The schema version of a database and that of this program.
package struct SchemaStatus: Sendable, Equatable {
    /// One migration.
    package struct Step: Sendable, Equatable {
        package var version: Int
        /// Short description.
        package var name: String
        package var isApplied: Bool

        package init(version: Int, name: String, isApplied: Bool) {
            self.version = version
            self.name = name
            self.isApplied = isApplied
        }
    }

    /// The version of the database; 0 if it is empty.
    package var found: Int
    /// The version of this program.
    package var wanted: Int
    /// All migrations of this program, ascending.
    package var steps: [Step]

    /// - Parameter names: Names of the migrations, from version 1.
    package init(found: Int, names: [String]) {
        self.found = found
        self.wanted = names.count
        self.steps = names.enumerated().map { index, name in
            Step(version: index + 1, name: name, isApplied: index < found)
        }
    }
}

/// Progress of a migration.
package struct SchemaAdvance: Sendable, Equatable {
    package var version: Int
    /// Short description.
    package var name: String
    /// Processed events.
    package var done: Int
    /// Total number of events; 0 if the migration does not process events.
    package var total: Int

    package init(version: Int, name: String, done: Int = 0, total: Int = 0) {
        self.version = version
        self.name = name
        self.done = done
        self.total = total
    }

    /// Called on the migrating thread, which waits meanwhile.
    package typealias Tell = @Sendable (SchemaAdvance) -> Void
}
