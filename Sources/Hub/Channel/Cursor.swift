// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// A subscription's place in its channel, and the whole rule of delivery.
///
/// `live` ⇄ `behind` (could not be written to, or missed a number); `replaying` (asked for the past) → `live`.
/// While not live nothing is queued for it: it reads on from the ring or the tape.
package struct Cursor: Sendable, Equatable {
    package enum Phase: Sendable, Equatable {
        /// Gets events as they are published.
        case live
        /// Reads what it missed.
        case behind
        /// Reads what it asked for with `since`; its client gets `caughtUp` at the end.
        case replaying
    }

    /// The number it wants next.
    package private(set) var next: Int
    package private(set) var phase: Phase
    /// Whether a page is being read from the tape for it.
    package private(set) var isReading = false
    private let delivery: EventType.Delivery

    package init(next: Int, replaying: Bool, delivery: EventType.Delivery) {
        self.next = next
        self.phase = replaying ? .replaying : .live
        self.delivery = delivery
    }

    package enum OnPublished: Sendable, Equatable {
        /// Write the run from this number on.
        case deliver(from: Int)
        /// It had them already, or reads them itself.
        case ignore
        /// It has just fallen behind; it takes a turn once its connection is writable.
        case fellBehind
    }

    /// A run of consecutive events was published.
    package mutating func published(first: Int, last: Int, isWritable: Bool) -> OnPublished {
        guard self.phase == .live, last >= self.next else { return .ignore }
        guard isWritable, first <= self.next else {
            self.phase = .behind
            return .fellBehind
        }
        defer { self.next = last + 1 }
        return .deliver(from: self.next)
    }

    /// The channel's head is known to have risen, without the events.
    /// - Returns: Whether it has just fallen behind; see ``OnPublished/fellBehind``.
    package mutating func learned(head: Int) -> Bool {
        guard self.phase == .live, self.next <= head else { return false }
        self.phase = .behind
        return true
    }

    /// Whether it has fallen behind, or replays, and does not have all events up to the head yet.
    package func isMissing(upTo head: Int) -> Bool {
        self.phase != .live && self.next <= head
    }

    package enum OnTurn: Sendable, Equatable {
        /// Nothing to do until the connection is writable again or the page has arrived.
        case wait
        /// Read the events after this number.
        case read(after: Int)
        /// Write the newest of each slot, as far as they are not older than this number.
        case conflate(from: Int)
        /// It is live again.
        case live
        /// It is live, and the client gets `caughtUp` with this number.
        case caughtUp(at: Int)
    }

    /// The subscription's turn to read on.
    package mutating func turn(head: Int, isWritable: Bool) -> OnTurn {
        if self.isReading { return .wait }
        switch self.phase {
        case .live:
            return .live
        case .behind:
            guard self.next <= head else {
                self.phase = .live
                return .live
            }
            guard isWritable else { return .wait }
            return self.delivery == .latest ? .conflate(from: self.next) : .read(after: self.next - 1)
        case .replaying:
            guard isWritable else { return .wait }
            guard self.next <= head else {
                self.phase = .live
                return .caughtUp(at: self.next - 1)
            }
            return .read(after: self.next - 1)
        }
    }

    /// The page is not in memory and is being read from the tape.
    package mutating func startedReading() {
        self.isReading = true
    }

    /// The read ended, whatever it brought.
    package mutating func finishedReading() {
        self.isReading = false
    }

    /// Frames up to and including a number were written.
    package mutating func wrote(through last: Int) {
        self.next = max(self.next, last + 1)
    }
}
