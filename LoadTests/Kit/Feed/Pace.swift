// SPDX-License-Identifier: Apache-2.0

import JSON
import Terminal

/// When the events of a scenario are published.
package enum Pace: Sendable, Equatable {
    /// So many are under way at once: the next goes out when one has been acknowledged and received by everybody.
    case window(Int)
    /// So many at once, and again when everybody has received them all.
    case burst(Int)
    /// So many a second, whatever the hub makes of it.
    case rate(Double)

    /// How many may be sent.
    /// - Parameters:
    ///   - inFlight: Events that are not acknowledged, or not received by everybody.
    ///   - sent: Events sent so far.
    ///   - elapsed: Seconds since the first was due.
    func room(inFlight: Int, sent: Int, elapsed: Double) -> Int {
        switch self {
        case .window(let size): max(0, size - inFlight)
        case .burst(let size): inFlight == 0 ? size : 0
        case .rate(let rate):
            elapsed < 0 ? 0 : max(0, Int(clamping: (elapsed * rate).rounded(.down), to: .seq) + 1 - sent)
        }
    }

    /// Seconds from the first event's time to another's; nil where there is no schedule.
    func due(of event: Int) -> Double? {
        switch self {
        case .window, .burst: nil
        case .rate(let rate): Double(event) / rate
        }
    }

    /// How many may be in flight when the next may go out.
    var patience: Int {
        switch self {
        case .window(let size): size - 1
        case .burst: 0
        case .rate: Int.max
        }
    }

    /// As it is written in a report.
    package var description: String {
        switch self {
        case .window(let size): "\(Text.grouped(size)) in flight"
        case .burst(let size): "bursts of \(Text.grouped(size))"
        case .rate(let rate): "\(Text.decimal(rate, digits: rate < 10 ? 1 : 0)) events/s"
        }
    }
}
