// SPDX-License-Identifier: Apache-2.0

/// How far a migration is.
package struct SchemaAdvance: Sendable, Equatable {
    package var version: Int
    /// What it is for, in a few words.
    package var name: String
    /// Events that were gone over.
    package var done: Int
    /// How many there are; 0 where the migration does not go over them.
    package var total: Int

    package init(version: Int, name: String, done: Int = 0, total: Int = 0) {
        self.version = version
        self.name = name
        self.done = done
        self.total = total
    }

    /// Told from whatever thread migrates, which waits meanwhile.
    package typealias Tell = @Sendable (SchemaAdvance) -> Void
}
