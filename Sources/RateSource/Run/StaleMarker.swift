// SPDX-License-Identifier: Apache-2.0

import EventLog

/// Whether an exchange is stale: written by the node that runs the source, read by the others for their subscribers.
enum StaleMarker {
    static let name = "stale"

    static func value(isStale: Bool) -> [UInt8] {
        Array(isStale ? "true".utf8 : "false".utf8)
    }

    /// Whether the stored marker says that the exchange is stale.
    static func isStale(_ entries: [SourceEntry]) -> Bool {
        entries.contains { $0.name == Self.name && $0.value == Self.value(isStale: true) }
    }
}
