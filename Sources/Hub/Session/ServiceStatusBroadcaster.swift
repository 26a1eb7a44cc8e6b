// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// Holds the current ``Notice`` and publishes changes to all event loops.
final class ServiceStatusBroadcaster: Sendable {
    private let notice = Mutex(Notice())
    private let shards: [SessionShard]

    init(shards: [SessionShard]) {
        self.shards = shards
    }

    var current: Notice {
        self.notice.withLock { $0 }
    }

    /// Changes the notice and notifies the event loops. Can be called from any thread.
    func change(_ body: (inout Notice) -> Void) {
        let hasChanged = self.notice.withLock { notice in
            let before = notice
            body(&notice)
            return notice != before
        }
        guard hasChanged else { return }
        for shard in self.shards {
            // Reads the current notice instead of capturing it: two changes in a row may arrive in either order.
            shard.loop.execute {
                shard.assumeIsolated { $0.noticed(self.current) }
            }
        }
    }
}
