// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// Consensus time of a transaction, in whole nanoseconds since 1970; it orders everything on Hedera. Written in the
/// format of mirror nodes, `1639010151.000000001`.
package struct ConsensusTime: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let nanoseconds: Int64

    /// - Parameter nanoseconds: Negative values are taken as 0.
    package init(nanoseconds: Int64) {
        self.nanoseconds = max(0, nanoseconds)
    }

    /// Parses 1 to 10 digits of seconds and, after a dot, 1 to 9 digits of the fraction. Nil for anything else, and for
    /// values that exceed 64 bits.
    package init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), (1...10).contains(parts[0].count),
            let seconds = Int(decimal: parts[0], in: 0...9_223_372_036)
        else { return nil }
        var fraction = 0
        if parts.count == 2 {
            guard (1...9).contains(parts[1].count), let digits = Int(decimal: parts[1], in: 0...999_999_999) else {
                return nil
            }
            fraction = (parts[1].count..<9).reduce(digits) { value, _ in value * 10 }
        }
        let (sum, isTooLate) = (seconds * 1_000_000_000).addingReportingOverflow(fraction)
        guard !isTooLate else { return nil }
        self.nanoseconds = Int64(clamping: sum)
    }

    package var description: String {
        let fraction = String(self.nanoseconds % 1_000_000_000)
        return "\(self.nanoseconds / 1_000_000_000)." + String(repeating: "0", count: 9 - fraction.count) + fraction
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// Saturates at the ends of the range.
    package func advanced(by duration: Duration) -> ConsensusTime {
        ConsensusTime(nanoseconds: Timestamp(nanoseconds: self.nanoseconds).advanced(by: duration).nanoseconds)
    }

    package func duration(since earlier: ConsensusTime) -> Duration {
        .nanoseconds(self.nanoseconds - earlier.nanoseconds)
    }

    /// Nineteen digits, so that names that contain it sort in time order.
    var sortable: String {
        let digits = String(self.nanoseconds)
        return String(repeating: "0", count: max(0, 19 - digits.count)) + digits
    }
}
