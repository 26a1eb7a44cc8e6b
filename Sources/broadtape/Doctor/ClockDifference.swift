// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// How far another machine's clock is from this one's.
struct ClockDifference {
    /// Seconds apart that do no harm.
    private static let harmless: Duration = .seconds(2)
    /// Seconds apart at which tokens made there are refused here, or the other way round.
    private static let harmful: Duration = .seconds(30)

    let subject: String
    /// What the other machine's clock said, halfway through the round trip.
    let there: Timestamp
    let roundTrip: Duration
    /// This machine's clock at the end of the round trip.
    let here: Timestamp

    var finding: Finding {
        let difference = self.there.duration(since: self.here.advanced(by: .zero - self.roundTrip / 2))
        let apart = difference < .zero ? .zero - difference : difference
        let text = "\(Self.seconds(apart)) s \(difference < .zero ? "behind" : "ahead of") this machine's"
        if apart <= Self.harmless { return .good(self.subject, text) }
        let advice = "\(text): synchronise both, as tokens and the ages of events are reckoned with them"
        return apart < Self.harmful ? .warning(self.subject, advice) : .failure(self.subject, advice)
    }

    private static func seconds(_ duration: Duration) -> String {
        let tenths = Int(clamping: duration / .milliseconds(100), to: .seq)
        return "\(tenths / 10).\(tenths % 10)"
    }
}
