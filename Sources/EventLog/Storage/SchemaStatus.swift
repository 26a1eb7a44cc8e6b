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
