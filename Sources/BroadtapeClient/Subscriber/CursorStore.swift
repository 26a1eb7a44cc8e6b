// SPDX-License-Identifier: Apache-2.0

/// Where cursors are stored across runs of a process.
///
/// Called by one subscriber from one task: one call at a time.
public protocol CursorStore: Sendable {
    /// The last cursor that was saved for a channel, by its full name; nil for none.
    func load(_ channel: String) async throws -> Position?

    /// Stores a cursor. Everything up to it has been handled: called once the consumer asks for more, so that after a
    /// crash the events that it was handling are delivered again.
    func save(_ cursor: Position) async throws
}
