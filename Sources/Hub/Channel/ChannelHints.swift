// SPDX-License-Identifier: Apache-2.0

import EventLog
import Synchronization

/// Channels whose heads should be read soon. Each channel is stored once, however often it is added, so there are never
/// more than the channels in memory.
final class ChannelHints: Sendable {
    private let channels = Mutex<Set<ChannelName>>([])
    private let wakeSignal = WakeSignal()

    func add(_ names: [ChannelName]) {
        guard !names.isEmpty else { return }
        self.channels.withLock { $0.formUnion(names) }
        self.wakeSignal.signal()
    }

    /// Returns the channels added since the last call. Waits until there are some, or until the task is cancelled.
    func next() async -> Set<ChannelName> {
        await self.wakeSignal.sleep(for: .seconds(3_600))
        return self.channels.withLock { channels in
            defer { channels = [] }
            return channels
        }
    }
}
