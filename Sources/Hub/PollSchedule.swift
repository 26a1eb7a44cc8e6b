// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import NIOCore

/// When the heads of channels are read, by how far the bus reaches and who else writes to the tape. Of many channels a
/// slice is read at a time.
///
/// Every time while messages of other nodes do not come: the bus is cut, or there is none and the tape is shared. Once a
/// heartbeat while they do, in case one was lost.
package struct PollSchedule: Sendable {
    private let heartbeat: TimeAmount
    private var nextRound: NIODeadline
    private var lastReach: BusReach?
    private var owed = Owed.nothing

    /// What is still to be read before every channel has been.
    private enum Owed: Sendable, Equatable {
        case nothing
        /// All of it; how many slices that is shows with the first.
        case round
        case slices(Int)
    }

    /// - Parameter heartbeat: Between two rounds while the bus carries messages.
    package init(heartbeat: TimeAmount, now: NIODeadline) {
        self.heartbeat = heartbeat
        self.nextRound = now + heartbeat
    }

    /// Time has passed.
    /// - Parameters:
    ///   - isShared: Whether other processes write to the tape.
    ///   - hasMissed: Whether messages of the bus may have been missed since the last call.
    /// - Returns: Whether a slice is to be read now.
    package mutating func isDue(at now: NIODeadline, reach: BusReach, isShared: Bool, hasMissed: Bool) -> Bool {
        defer { self.lastReach = reach }
        if now >= self.nextRound {
            self.nextRound = now + self.heartbeat
            if reach != .alone, self.owed == .nothing { self.owed = .round }
        }
        if hasMissed || self.lastReach == .cut && reach != .cut {
            // Also the slices already read in this round may have missed something since.
            self.owed = .round
        }
        return reach == .cut || reach == .alone && isShared || self.owed != .nothing
    }

    /// A slice was read.
    /// - Parameter slices: How many make a round.
    package mutating func polled(slices: Int) {
        let rest =
            switch self.owed {
            case .nothing: 0
            case .round: slices - 1
            case .slices(let count): count - 1
            }
        self.owed = rest > 0 ? .slices(rest) : .nothing
    }
}

/// Goes round many channels, a slice at a time, so that each gets its turn however they come and go.
package struct PollRotation: Sendable {
    private let limit: Int
    private var last: Int?

    /// - Parameter limit: Channels of one slice.
    package init(limit: Int) {
        self.limit = max(1, limit)
    }

    /// The next slice of what there is now.
    package mutating func slice<Channel>(
        of channels: [Channel],
        by place: (Channel) -> Int
    ) -> (channels: [Channel], slices: Int) {
        guard channels.count > self.limit else {
            self.last = nil
            return (channels, 1)
        }
        let sorted = channels.map { (place: place($0), channel: $0) }.sorted { $0.place < $1.place }
        var start = 0
        if let last {
            start = sorted.firstIndex { $0.place > last } ?? 0
        }
        var end = min(start + self.limit, sorted.count)
        // Channels of one place go together, or those behind the first would never have a turn.
        while end < sorted.count, sorted[end].place == sorted[end - 1].place { end += 1 }
        self.last = sorted[end - 1].place
        return (sorted[start..<end].map(\.channel), (channels.count + self.limit - 1) / self.limit)
    }
}
