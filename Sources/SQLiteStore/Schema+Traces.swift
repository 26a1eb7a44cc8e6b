// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// - `events.trace`: the event's `traceparent`; null where it has none.
    static let traces = "ALTER TABLE events ADD COLUMN trace TEXT"
}
