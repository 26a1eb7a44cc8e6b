// SPDX-License-Identifier: Apache-2.0

/// The progress of the sources of a process with what they have missed, counted from where each of them began.
package struct CatchUp: Sendable {
    /// A source that catches up.
    package struct Source: Sendable {
        package var name: String
        /// How far it has read, in its own unit, such as blocks.
        package var position: Int
        /// How far there is to read.
        package var head: Int
        /// Events it has committed since it began here.
        package var events: Int

        package init(name: String, position: Int, head: Int, events: Int) {
            self.name = name
            self.position = position
            self.head = head
            self.events = events
        }
    }

    /// The source that has most to read.
    package struct Lag: Sendable, Equatable {
        package var source: String
        package var done: Int
        package var total: Int
        package var events: Int
        /// How many other sources catch up too.
        package var others: Int
    }

    /// Where a catch-up in progress has begun.
    private var begins: [String: Int] = [:]

    package init() {}

    /// - Parameter sources: Those that catch up now; one that is missing is done.
    /// - Returns: Nil when there is none.
    package mutating func look(at sources: [Source]) -> Lag? {
        var most: Lag?
        var behind: [String: Int] = [:]
        for source in sources {
            // A reorganisation may have moved it back.
            let begin = min(self.begins[source.name] ?? source.position, source.position)
            behind[source.name] = begin
            let lag = Lag(
                source: source.name,
                done: source.position - begin,
                total: max(0, source.head - begin),
                events: source.events,
                others: 0
            )
            if lag.total - lag.done >= most.map({ $0.total - $0.done }) ?? 0 { most = lag }
        }
        self.begins = behind
        most?.others = behind.count - 1
        return most
    }
}
