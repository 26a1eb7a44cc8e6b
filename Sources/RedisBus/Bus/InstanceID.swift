// SPDX-License-Identifier: Apache-2.0

/// Identifies one bus among those on the same Redis channel: 128 random bits.
package struct InstanceID: Sendable, Hashable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func random() -> InstanceID {
        InstanceID(high: .random(in: 0 ... .max), low: .random(in: 0 ... .max))
    }
}
