// SPDX-License-Identifier: Apache-2.0

extension PostgresSchema.Migration {
    /// - `events.trace`: the event's `traceparent`; null where it has none.
    static let traces = Self(
        version: 3,
        name: "traces",
        statements: ["ALTER TABLE events ADD COLUMN trace bytea"]
    )
}
