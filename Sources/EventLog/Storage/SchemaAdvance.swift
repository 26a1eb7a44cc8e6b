// SPDX-License-Identifier: Apache-2.0

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
