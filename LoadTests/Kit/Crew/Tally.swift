// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts the deliveries of all crews, and wakes those that wait for a number of them.
final class Tally: Sendable {
    private let accounted = Atomic<Int>(0)
    private let threshold = Atomic<Int>(.max)
    private let isWaking = Atomic<Bool>(false)
    private let waker = Mutex<(@Sendable () -> Void)?>(nil)

    /// Deliveries so far, including those that conflated events replaced.
    var count: Int { self.accounted.load(ordering: .sequentiallyConsistent) }

    /// Counts deliveries.
    func add(_ number: Int) {
        let count = self.accounted.add(number, ordering: .sequentiallyConsistent).newValue
        guard count >= self.threshold.load(ordering: .sequentiallyConsistent),
            !self.isWaking.exchange(true, ordering: .sequentiallyConsistent)
        else { return }
        self.waker.withLock { $0 }?()
    }

    /// Sets what is called, once, when the count has come to the threshold; it may come at any time and from any loop.
    func onThreshold(_ waker: @escaping @Sendable () -> Void) {
        self.waker.withLock { $0 = waker }
    }

    /// Waits for a number of deliveries.
    /// - Returns: False if there are as many already.
    func await(_ number: Int) -> Bool {
        self.isWaking.store(false, ordering: .sequentiallyConsistent)
        self.threshold.store(number, ordering: .sequentiallyConsistent)
        return self.count < number
    }
}
