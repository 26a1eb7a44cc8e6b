// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Synchronization

/// The revocations of all nodes: the list that applies on this node, and the store it follows.
package final class Revocations: Sendable {
    /// Changes read per query.
    private static let batch = 1_000

    package let list = RevocationList()
    let wakeSignal = WakeSignal()
    private let store: (any RevocationStore)?
    /// Last change number, used when there is no store.
    private let number = Mutex(0)

    /// - Parameter store: Nil keeps revocations in memory, for this process only.
    package init(store: (any RevocationStore)?) {
        self.store = store
    }

    /// Whether other processes can change them.
    var areShared: Bool {
        self.store?.areRevocationsShared ?? false
    }

    /// Reads and applies the changes since the last call.
    /// - Returns: Whether there were any.
    func refresh() async throws(TapeFault) -> Bool {
        guard let store else { return false }
        var hasChanged = false
        while true {
            let changes = try await store.revocationChanges(after: self.list.number, limit: Self.batch)
            self.list.apply(changes)
            hasChanged = hasChanged || !changes.isEmpty
            guard changes.count == Self.batch else { return hasChanged }
        }
    }

    func add(_ revocations: [Revocation]) async throws(TapeFault) {
        if let store {
            try await store.revoke(revocations)
            _ = try await self.refresh()
        } else {
            self.list.apply(revocations.map { self.change($0, isLifted: false) })
        }
    }

    func lift(_ target: Revocation.Target, at time: Timestamp) async throws(TapeFault) -> Bool {
        if let store {
            let wasThere = try await store.lift(target, at: time)
            _ = try await self.refresh()
            return wasThere
        }
        guard let revocation = self.list.revocation(of: target) else { return false }
        self.list.apply([self.change(revocation, isLifted: true)])
        return true
    }

    private func change(_ revocation: Revocation, isLifted: Bool) -> RevocationChange {
        let number = self.number.withLock { number in
            number += 1
            return number
        }
        return RevocationChange(number: number, revocation: revocation, isLifted: isLifted)
    }

    func forget(endedBefore time: Timestamp) async throws(TapeFault) {
        self.list.forget(endedBefore: time)
        try await self.store?.forgetRevocations(endedBefore: time)
    }
}
