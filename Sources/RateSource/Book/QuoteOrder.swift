// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// Order of a quote among those of the same market and feed.
package struct QuoteOrder: Sendable, Equatable {
    package var sequence: Int?
    package var time: Timestamp?

    package init(sequence: Int? = nil, time: Timestamp? = nil) {
        self.sequence = sequence
        self.time = time
    }

    package init(_ quote: Quote) {
        self.init(sequence: quote.sequence, time: quote.time)
    }

    package enum Comparison: Sendable, Equatable {
        case later
        /// The same number: the same quote.
        case same
        /// The same time, or neither has one: the contents decide.
        case unknown
        case earlier
        /// A later time with a smaller number: the exchange has restarted its numbering.
        case renumbered
    }

    package func compared(to other: QuoteOrder) -> Comparison {
        if let new = self.sequence, let old = other.sequence {
            if new == old { return .same }
            if new > old { return .later }
            if let time, let before = other.time, time > before { return .renumbered }
            return .earlier
        }
        guard let time, let before = other.time else { return .unknown }
        return time > before ? .later : time < before ? .earlier : .unknown
    }
}
