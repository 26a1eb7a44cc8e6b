// SPDX-License-Identifier: Apache-2.0

import JSON
import Synchronization

/// Number of sessions per user on this node.
final class UserConnections: Sendable {
    private let limit: Int?
    private let counts = Mutex<[ExactText: Int]>([:])

    /// - Parameter limit: Maximum per user; nil counts nothing.
    init(limit: Int?) {
        self.limit = limit
    }

    /// Counts a session, which must call ``leave(_:)`` later.
    /// - Returns: False if the user has reached the limit; the session is not counted then.
    func enter(_ user: String) -> Bool {
        guard let limit = self.limit else { return true }
        let user = ExactText(user)
        return self.counts.withLock { counts in
            guard counts[user, default: 0] < limit else { return false }
            counts[user, default: 0] += 1
            return true
        }
    }

    func leave(_ user: String) {
        guard self.limit != nil else { return }
        let user = ExactText(user)
        self.counts.withLock { counts in
            guard let count = counts[user] else { return }
            counts[user] = count > 1 ? count - 1 : nil
        }
    }
}
