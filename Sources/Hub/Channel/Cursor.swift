// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// A subscription's position in its channel, and the complete rules of delivery.
///
/// `live` ⇄ `behind` (not writable, or missed a number); `replaying` (requested past events) → `live`.
/// Unless live, nothing is queued for it: it continues to read from the ring or the tape.
package struct Cursor: Sendable, Equatable {
    package enum Phase: Sendable, Equatable {
        /// Receives events as they are published.
        case live
        /// Reads the events it missed.
        case behind
        /// Reads the events requested with `since`; `caughtUp` is sent at the end.
        case replaying
    }

    /// The next number to deliver.
    package private(set) var next: Int
    package private(set) var phase: Phase
    /// Whether a page is being read from the tape.
    package private(set) var isReading = false
    private let delivery: EventType.Delivery

    package init(next: Int, replaying: Bool, delivery: EventType.Delivery) {
        self.next = next
        self.phase = replaying ? .replaying : .live
        self.delivery = delivery
    }

    package enum OnPublished: Sendable, Equatable {
        /// Write the run, starting with this number.
        case deliver(from: Int)
        /// The events were already written, or will be read later.
        case ignore
        /// The subscription has just fallen behind; its turn comes once the connection is writable.
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

    /// The channel's head has risen, but the events are not in memory.
    /// - Returns: Whether the subscription has just fallen behind; see ``OnPublished/fellBehind``.
    package mutating func learned(head: Int) -> Bool {
        guard self.phase == .live, self.next <= head else { return false }
        self.phase = .behind
        return true
    }

    /// Whether the subscription is behind or replaying, and lacks events up to the head.
    package func isMissing(upTo head: Int) -> Bool {
        self.phase != .live && self.next <= head
    }

    package enum OnTurn: Sendable, Equatable {
        /// Nothing to do until the connection is writable again or the page has arrived.
        case wait
        /// Read the events after this number.
        case read(after: Int)
        /// Write the newest entry of each slot, from this number on.
        case conflate(from: Int)
        /// The subscription is live again.
        case live
        /// The subscription is live; send `caughtUp` with the number at which the replay ended.
        case caughtUp(at: Int)
    }

    /// The subscription's turn to continue reading.
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

    /// The page is not in memory; a read from the tape has started.
    package mutating func startedReading() {
        self.isReading = true
    }

    /// The read has ended, successfully or not.
    package mutating func finishedReading() {
        self.isReading = false
    }

    /// Frames up to and including a number have been written.
    package mutating func wrote(through last: Int) {
        self.next = max(self.next, last + 1)
    }
}
