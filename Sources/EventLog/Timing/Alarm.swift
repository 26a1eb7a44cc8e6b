// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A sleep that others can end: what does something now and then, and sooner when it is asked to, waits here.
package final class Alarm: Sendable {
    private struct State {
        var hasRung = false
        var sleeper: AsyncStream<Void>.Continuation?
    }

    private let state = Mutex(State())

    package init() {}

    /// Ends the sleep, or the next one if nobody sleeps. From any thread.
    package func ring() {
        self.state.withLock { state in
            if let sleeper = state.sleeper {
                sleeper.yield()
            } else {
                state.hasRung = true
            }
        }
    }

    /// Returns after a time, when it rings, or when the task is cancelled. For one sleeper at a time.
    package func sleep(for time: Duration) async {
        // Made anew each time: a stream whose consumer was cancelled is over.
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
