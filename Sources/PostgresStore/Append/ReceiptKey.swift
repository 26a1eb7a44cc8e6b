// SPDX-License-Identifier: Apache-2.0

import EventLog

/// The key of an event's row in `receipts`: 128 bits of SHA-256 over source and ID, computed like `receipt_key` in the
/// schema.
struct ReceiptKey: Hashable, Comparable, Sendable {
    let high: UInt64
    let low: UInt64

    init(of event: Event) {
        let bytes = Fingerprint(type: event.source, keys: [event.id], time: nil, data: []).bytes
        self.high = Self.read(bytes.prefix(8))
        self.low = Self.read(bytes.dropFirst(8).prefix(8))
    }

    private static func read(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64(truncatingIfNeeded: $1) }
    }

    /// In the server's order of `uuid`.
    static func < (left: Self, right: Self) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}
