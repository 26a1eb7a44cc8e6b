// SPDX-License-Identifier: Apache-2.0

import EventLog
import Synchronization

/// The rate book shared by connections and the publisher: written on event loops, read by one task.
final class SharedRateBook: Sendable {
    private let book: Mutex<RateBook>
    private let clock: SteadyClock
    /// Wakes the publisher.
    let wakeSignal = WakeSignal()
    /// The time the publisher waits for; an earlier time wakes it.
    private let awaited = Mutex<Timestamp?>(nil)

    init(_ exchanges: [Exchange], clock: SteadyClock) {
        self.clock = clock
        self.book = Mutex(RateBook(exchanges, at: clock.now))
    }

    /// Ingests a message. Safe to call from any thread.
    func received(_ incoming: [Incoming], from exchange: Int, asked: Timestamp? = nil) -> RateBook.Verdict {
        let now = self.clock.now
        let (verdict, next) = self.book.withLock { book in
            let verdict = book.received(incoming, from: exchange, asked: asked, at: now)
            return (verdict, book.takeSoonest())
        }
        if let next, self.awaited.withLock({ $0.map { next < $0 } ?? true }) { self.wakeSignal.signal() }
        return verdict
    }

    func with<Result: Sendable>(_ body: (inout RateBook, Timestamp) -> Result) -> Result {
        let now = self.clock.now
        return self.book.withLock { body(&$0, now) }
    }

    /// The time until there is work, within a limit. ``wakeSignal`` is signalled if there is some earlier.
    func pause(atMost limit: Duration) -> Duration {
        let now = self.clock.now
        let next = self.book.withLock { book in
            let next = book.nextDue(after: now)
            self.awaited.withLock { $0 = next }
            return next
        }
        return max(.zero, min(next?.duration(since: now) ?? limit, limit))
    }
}
