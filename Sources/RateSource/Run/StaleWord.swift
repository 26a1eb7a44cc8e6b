// SPDX-License-Identifier: Apache-2.0

import EventLog

/// What the node that takes rates leaves for the others to tell their own subscribers: whether an exchange is stale.
enum StaleWord {
    static let name = "stale"

    static func value(isStale: Bool) -> [UInt8] {
        Array(isStale ? "true".utf8 : "false".utf8)
    }

    /// Whether the exchange is stale by what is remembered.
    static func isStale(_ entries: [SourceEntry]) -> Bool {
        entries.contains { $0.name == Self.name && $0.value == Self.value(isStale: true) }
    }
}
