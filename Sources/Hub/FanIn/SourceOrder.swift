// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON

/// Which message of each strictly ordered source is due.
///
/// A source says of its messages that they are worth something in order only, and that it sends again what it is asked
/// for. What comes too early from such a source is left, and asked for, instead of taken in with a gap before it.
package struct SourceOrder: Sendable {
    /// Between two requests for the same, in case one, or what it asked for, is lost.
    private static let patience: Duration = .milliseconds(500)

    private struct Place: Sendable {
        var due: Int
        var asked: (due: Int, at: Timestamp)?
    }

    private var places: [ExactText: Place] = [:]

    package init() {}

    package enum OnMessage: Sendable, Equatable {
        case take
        /// It comes too early; ask for what comes after a number, or not again yet.
        case leave(ask: (source: String, after: Int)?)

        package static func == (left: Self, right: Self) -> Bool {
            switch (left, right) {
            case (.take, .take): true
            case (.leave(let one), .leave(let other)):
                one?.after == other?.after && one.map { ExactText($0.source) } == other.map { ExactText($0.source) }
            case (.take, .leave), (.leave, .take): false
            }
        }
    }

    /// A message with these numbers came.
    /// - Parameter last: The number of the last message of a source that was taken in before this was made.
    package mutating func received(
        _ numbers: [SourceNumber],
        at time: Timestamp,
        last: (String) -> Int?
    ) -> OnMessage {
        var changed = self.places
        for number in numbers where number.isStrict {
            guard let seq = number.seq else { continue }
            let source = ExactText(number.source)
            var place = changed[source] ?? Place(due: (last(number.source) ?? 0) + 1)
            if seq > place.due, !number.isFirst {
                if let asked = place.asked, asked.due == place.due, time.duration(since: asked.at) < Self.patience {
                    return .leave(ask: nil)
                }
                place.asked = (place.due, time)
                self.places[source] = place
                return .leave(ask: (number.source, place.due - 1))
            }
            place.due = max(place.due, seq + 1)
            changed[source] = place
        }
        self.places = changed
        return .take
    }
}
