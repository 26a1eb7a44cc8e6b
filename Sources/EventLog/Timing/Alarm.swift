// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A sleep that others can end early, for work that runs periodically and also on demand.
package final class Alarm: Sendable {
    private struct State {
        var hasRung = false
        var sleeper: AsyncStream<Void>.Continuation?
    }

    private let state = Mutex(State())

    package init() {}

    /// Ends the sleep, or the next one if nobody is sleeping. Can be called from any thread.
    package func ring() {
        self.state.withLock { state in
            if let sleeper = state.sleeper {
                sleeper.yield()
            } else {
                state.hasRung = true
            }
        }
    }

    /// Returns after a time, on ``ring()``, or when the task is cancelled. Only one task may sleep at a time.
    package func sleep(for time: Duration) async {
        // Created for each sleep: a stream ends for good when its consumer is cancelled.
        let (rings, sleeper) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let hasRung = self.state.withLock { state in
            defer { state.hasRung = false }
            if !state.hasRung { state.sleeper = sleeper }
            return state.hasRung
        }
        guard !hasRung else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await Task.sleep(for: time) }
            group.addTask { for await _ in rings { break } }
            await group.next()
            group.cancelAll()
        }
        self.state.withLock { $0.sleeper = nil }
    }
}
