// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// Offset of another machine's clock from this one's.
struct ClockDifference {
    /// Offset that is harmless.
    private static let harmless: Duration = .seconds(2)
    /// Offset at which tokens issued on one machine are refused on the other.
    private static let harmful: Duration = .seconds(30)

    let subject: String
    /// The other machine's clock, halfway through the round trip.
    let there: Timestamp
    let roundTrip: Duration
    /// This machine's clock at the end of the round trip.
    let here: Timestamp

    var finding: Finding {
        let difference = self.there.duration(since: self.here.advanced(by: .zero - self.roundTrip / 2))
        let apart = difference < .zero ? .zero - difference : difference
        let text = "\(Self.seconds(apart)) s \(difference < .zero ? "behind" : "ahead of") this machine's"
        if apart <= Self.harmless { return .good(self.subject, text) }
        let advice = "\(text): synchronise both; token expiry and event ages depend on them"
        return apart < Self.harmful ? .warning(self.subject, advice) : .failure(self.subject, advice)
    }

    private static func seconds(_ duration: Duration) -> String {
        let tenths = Int(clamping: duration / .milliseconds(100), to: .seq)
        return "\(tenths / 10).\(tenths % 10)"
    }
}
