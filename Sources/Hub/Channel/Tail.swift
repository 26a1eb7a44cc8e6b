// SPDX-License-Identifier: Apache-2.0

import DequeModule
package import EventLog
import JSON
package import NIOCore
import Synchronization

/// The newest part of a channel, kept in memory and readable from every loop without suspending.
///
/// Only its ``EventChannel`` adds to it. Whoever joins gets the head and is counted as interested under the same lock
/// as a publication takes, so every event after that head reaches the loop that joined.
package final class Tail: Sendable {
    /// Frames kept per channel, in bytes; the newest run is kept whatever its size.
    package static let ringLimit = 128 * 1024

    private struct State {
        /// What the tape said when it was read; nil before that.
        var opened: (epoch: String, first: Int)?
        /// When the tape was read last.
        var readAt = NIODeadline.distantPast
        /// Others may have gone on since the tape was read, and nobody was there to be told.
        var isOutdated = false
        var head = 0
        var ring = Deque<FrameRun>()
        var ringBytes = 0
        /// The newest entry of each slot, ascending by `seq`; as many as the data has slots.
        var newest: [TapeEntry] = []
        /// ``newest`` may lack entries up to this number: they were missed.
        var missedThrough = 0
        /// Loops with subscribers, and how many each has.
        var interest: [(loop: Int, count: Int)] = []
        /// The loops of ``interest``, as publications are told of them.
        var loops: [Int] = []
        var isRetired = false
    }

    private let state = Mutex(State())
    private let budget: RingBudget

    package init(budget: RingBudget) {
        self.budget = budget
    }

    deinit {
        self.budget.add(-self.state.withLock { $0.ringBytes })
    }

    /// What the channel holds; nil until it has been read from the tape.
    package var extent: Extent? {
        self.state.withLock { Self.extent(of: $0) }
    }

    private static func extent(of state: State) -> Extent? {
        state.opened.map { Extent(epoch: $0.epoch, first: min($0.first, state.head + 1), head: state.head) }
    }

    /// Whether the tape has to be read before the channel can be joined with a snapshot.
    package var needsOpening: Bool {
        self.state.withLock { $0.opened == nil || $0.missedThrough > 0 || $0.isOutdated }
    }

    /// Whether any loop has subscribers.
    package var hasSubscribers: Bool {
        self.state.withLock { !$0.interest.isEmpty }
    }

    /// How many subscriptions there are, on all loops.
    package var subscriberCount: Int {
        self.state.withLock { $0.interest.reduce(0) { $0 + $1.count } }
    }

    /// Takes in what the tape says. Publications since that read may have gone further, and stand.
    ///
    /// The head is taken as well only while nobody has joined: later it moves by publications alone, or those who have
    /// would not be told.
    package func opened(_ page: TapePage) {
        self.state.withLock { state in
            state.readAt = .now()
            state.isOutdated = false
            if state.opened == nil || state.interest.isEmpty {
                state.opened = (page.extent.epoch, max(page.extent.first, state.opened?.first ?? 0))
                if page.extent.head > state.head {
                    state.head = page.extent.head
                    self.clearRing(&state)
                }
            }
            for entry in page.entries {
                Self.remember(entry, in: &state)
            }
            if page.extent.head >= state.missedThrough {
                state.missedThrough = 0
            }
        }
    }

    /// Retention has removed what was before this number.
    package func pruned(first: Int) {
        self.state.withLock { state in
            if let opened = state.opened {
                state.opened = (opened.epoch, max(opened.first, first))
            }
        }
    }

    /// Adds a run of consecutive events. A run that leaves a gap is kept and what was before it is dropped: readers
    /// find the gap and read it from the tape.
    /// - Returns: The loops to tell; nil when all of it was known already.
    package func publish(_ run: FrameRun, entries: some Collection<TapeEntry>) -> [Int]? {
        self.state.withLock { state in
            guard run.last > state.head else { return nil }
            self.add(run, entries, to: &state)
            return state.loops
        }
    }

    package enum OnHeard: Sendable, Equatable {
        /// These loops are to be told.
        case news([Int])
        /// All of it was known already.
        case known
        /// It does not follow on what is known here. Only the log can say what there is.
        case unproven
    }

    /// Adds a run that another node has told of, where it goes on at the head. Of anything else nothing is taken in: what
    /// another node says, or seems to say, moves no head beyond the log's.
    package func hear(_ run: FrameRun, entries: some Collection<TapeEntry>) -> OnHeard {
        self.state.withLock { state in
            guard run.last > state.head else { return .known }
            guard state.opened != nil, run.first <= state.head + 1 else { return .unproven }
            self.add(run, entries, to: &state)
            return .news(state.loops)
        }
    }

    private func add(_ run: FrameRun, _ entries: some Collection<TapeEntry>, to state: inout State) {
        if run.first != state.head + 1 {
            self.clearRing(&state)
            state.missedThrough = run.first - 1
        }
        state.head = run.last
        state.ring.append(run)
        self.count(run.bytes.readableBytes, in: &state)
        let limit = self.budget.isExceeded ? 0 : Self.ringLimit
        while state.ringBytes > limit, state.ring.count > 1, let oldest = state.ring.popFirst() {
            self.count(-oldest.bytes.readableBytes, in: &state)
        }
        for entry in entries {
            Self.remember(entry, in: &state)
        }
    }

    /// Takes in a head whose events were not told: readers find the gap and read it from the tape.
    /// - Returns: The loops to tell; nil when it was known already.
    package func learned(head: Int) -> [Int]? {
        self.state.withLock { state in
            guard state.opened != nil, head > state.head else { return nil }
            self.clearRing(&state)
            state.head = head
            state.missedThrough = head
            return state.loops
        }
    }

    private func clearRing(_ state: inout State) {
        state.ring.removeAll()
        self.count(-state.ringBytes, in: &state)
    }

    private func count(_ bytes: Int, in state: inout State) {
        state.ringBytes += bytes
        self.budget.add(bytes)
    }

    private static func remember(_ entry: TapeEntry, in state: inout State) {
        if let index = state.newest.firstIndex(where: { $0.slot.hasSameBytes(as: entry.slot) }) {
            guard state.newest[index].seq < entry.seq else { return }
            if index == state.newest.count - 1 {
                state.newest[index] = entry
                return
            }
            state.newest.remove(at: index)
        }
        let place = state.newest.lastIndex { $0.seq < entry.seq }.map { $0 + 1 } ?? 0
        state.newest.insert(entry, at: place)
    }
}

extension Tail {
    package enum OnJoin: Sendable, Equatable {
        /// Counted as interested; every event after the head will be told to the loop.
        case joined(Extent, newest: [TapeEntry])
        /// Has to be read from the tape first; not counted.
        case unopened
        /// Was given up for lack of interest; look the channel up again.
        case retired
    }

    /// A loop got one more subscriber.
    /// - Parameters:
    ///   - wantsNewest: Whether it begins with a snapshot.
    ///   - trust: How long after the tape was read the first subscriber may rely on it; nil for ever.
    package func join(loop: Int, wantsNewest: Bool, trust: TimeAmount? = nil) -> OnJoin {
        self.state.withLock { state in
            guard !state.isRetired else { return .retired }
            if let trust, state.interest.isEmpty, NIODeadline.now() - state.readAt >= trust {
                state.isOutdated = true
                return .unopened
            }
            guard let extent = Self.extent(of: state), !wantsNewest || state.missedThrough == 0 else {
                return .unopened
            }
            if let index = state.interest.firstIndex(where: { $0.loop == loop }) {
                state.interest[index].count += 1
            } else {
                state.interest.append((loop, 1))
                state.loops = Self.loops(of: state.interest)
            }
            return .joined(extent, newest: wantsNewest ? state.newest : [])
        }
    }

    /// A loop lost a subscriber.
    package func leave(loop: Int) {
        self.state.withLock { state in
            guard let index = state.interest.firstIndex(where: { $0.loop == loop }) else { return }
            state.interest[index].count -= 1
            if state.interest[index].count == 0 {
                state.interest.remove(at: index)
                state.loops = Self.loops(of: state.interest)
            }
        }
    }

    /// One array a loop, shared by the many channels that have subscribers on one loop only.
    private static let alone = (0..<64).map { [$0] }

    private static func loops(of interest: [(loop: Int, count: Int)]) -> [Int] {
        if interest.count == 1, Self.alone.indices.contains(interest[0].loop) { return Self.alone[interest[0].loop] }
        return interest.map(\.loop)
    }

    /// Gives the channel up unless someone is interested. Final.
    package func retire() -> Bool {
        self.state.withLock { state in
            guard state.interest.isEmpty else { return false }
            state.isRetired = true
            return true
        }
    }

    /// The frames after a number that are in memory: the rest of the run that holds the next one.
    /// - Parameter compressed: See ``FrameRun/frames(from:compressed:)``.
    package func frames(after seq: Int, compressed: Bool = false) -> (bytes: ByteBuffer, last: Int)? {
        // Compressing takes too long for the lock.
        let run = self.run(after: seq)
        return run.flatMap { run in run.frames(from: seq + 1, compressed: compressed).map { ($0, run.last) } }
    }

    private func run(after seq: Int) -> FrameRun? {
        self.state.withLock { state in
            guard seq < state.head, let oldest = state.ring.first, seq + 1 >= oldest.first else { return nil }
            var low = 0
            var high = state.ring.count
            while high - low > 1 {
                let middle = (low + high) / 2
                if state.ring[middle].first <= seq + 1 { low = middle } else { high = middle }
            }
            return state.ring[low]
        }
    }

    /// The newest entry of each slot that is not older than a number, ascending; nil when some may be missing.
    package func newest(from seq: Int) -> [TapeEntry]? {
        self.state.withLock { state in
            seq > state.missedThrough ? state.newest.filter { $0.seq >= seq } : nil
        }
    }
}
