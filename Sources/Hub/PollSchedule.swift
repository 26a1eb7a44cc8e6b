// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import NIOCore

/// Decides when to read the heads of channels, depending on the bus and on who else writes to the tape. With many
/// channels, one slice is read at a time.
///
/// Polls on every tick while messages of other nodes do not arrive: the bus is cut off, or there is none and the tape
/// is shared. Polls once per heartbeat while they do, in case a message was lost.
package struct PollSchedule: Sendable {
    private let heartbeat: TimeAmount
    private var nextRound: NIODeadline
    private var lastReach: BusReach?
    private var owed = Owed.nothing

    /// What remains to be read until every channel has been read.
    private enum Owed: Sendable, Equatable {
        case nothing
        /// A whole round; its number of slices is known after the first one.
        case round
        case slices(Int)
    }

    /// - Parameter heartbeat: Time between two rounds while the bus delivers messages.
    package init(heartbeat: TimeAmount, now: NIODeadline) {
        self.heartbeat = heartbeat
        self.nextRound = now + heartbeat
    }

    /// Called on every tick.
    /// - Parameters:
    ///   - isShared: Whether other processes write to the tape.
    ///   - hasMissed: Whether messages of the bus may have been missed since the last call.
    /// - Returns: Whether to read a slice now.
    package mutating func isDue(at now: NIODeadline, reach: BusReach, isShared: Bool, hasMissed: Bool) -> Bool {
        defer { self.lastReach = reach }
        if now >= self.nextRound {
            self.nextRound = now + self.heartbeat
            if reach != .alone, self.owed == .nothing { self.owed = .round }
        }
        if hasMissed || self.lastReach == .cut && reach != .cut {
            // The slices already read in this round may have missed something as well.
            self.owed = .round
        }
        return reach == .cut || reach == .alone && isShared || self.owed != .nothing
    }

    /// A slice was read.
    /// - Parameter slices: Number of slices in a round.
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

/// Iterates over many channels, one slice at a time, so that each is reached even as channels come and go.
package struct PollRotation: Sendable {
    private let limit: Int
    private var last: Int?

    /// - Parameter limit: Channels per slice.
    package init(limit: Int) {
        self.limit = max(1, limit)
    }

    /// The next slice of the current channels.
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
        // Channels with the same place stay together, otherwise those after the first would never be reached.
        while end < sorted.count, sorted[end].place == sorted[end - 1].place { end += 1 }
        self.last = sorted[end - 1].place
        return (sorted[start..<end].map(\.channel), (channels.count + self.limit - 1) / self.limit)
    }
}
