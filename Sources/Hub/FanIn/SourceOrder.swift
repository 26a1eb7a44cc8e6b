// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON

/// Tracks which message of each strictly ordered source is expected next.
///
/// Such a source declares that its messages must be processed in order, and that it resends messages on request. A
/// message that arrives too early is skipped and requested again later, instead of being accepted with a gap before it.
package struct SourceOrder: Sendable {
    /// Minimum time between two requests for the same message, in case a request or its response is lost.
    private static let patience: Duration = .milliseconds(500)

    private struct Place: Sendable {
        var due: Int
        var asked: (due: Int, at: Timestamp)?
    }

    private var places: [ExactText: Place] = [:]

    package init() {}

    package enum OnMessage: Sendable, Equatable {
        case take
        /// The message is too early. `ask` says what to request; nil if it was requested recently.
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

    /// Checks a message with these numbers.
    /// - Parameter last: The last number of a source accepted before this value was created.
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
