// SPDX-License-Identifier: Apache-2.0

/// Which schema a database has, and which one this program uses.
package struct SchemaStatus: Sendable, Equatable {
    /// One migration.
    package struct Step: Sendable, Equatable {
        package var version: Int
        /// What it is for, in a few words.
        package var name: String
        package var isApplied: Bool

        package init(version: Int, name: String, isApplied: Bool) {
            self.version = version
            self.name = name
            self.isApplied = isApplied
        }
    }

    /// The version of the database; 0 when it is empty.
    package var found: Int
    /// The version of this program.
    package var wanted: Int
    /// Those that this program knows, ascending.
    package var steps: [Step]

    /// - Parameter names: Of the migrations from version 1 on.
    package init(found: Int, names: [String]) {
        self.found = found
        self.wanted = names.count
        self.steps = names.enumerated().map { index, name in
            Step(version: index + 1, name: name, isApplied: index < found)
        }
    }
}
