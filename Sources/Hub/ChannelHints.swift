// SPDX-License-Identifier: Apache-2.0

import EventLog
import Synchronization

/// Channels whose heads somebody should read soon, each once however often it is named: no more than there are in
/// memory.
final class ChannelHints: Sendable {
    private let channels = Mutex<Set<ChannelName>>([])
    private let alarm = Alarm()

    func add(_ names: [ChannelName]) {
        guard !names.isEmpty else { return }
        self.channels.withLock { $0.formUnion(names) }
        self.alarm.ring()
    }

    /// What has been named since the last call; waits for something, or until the task is cancelled.
    func next() async -> Set<ChannelName> {
        await self.alarm.sleep(for: .seconds(3_600))
        return self.channels.withLock { channels in
            defer { channels = [] }
            return channels
        }
    }
}
