// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Wakes one waiter, now or on its next wait: for work that runs on demand, or periodically and also on demand. Several
/// signals before a wait wake it once.
package final class WakeSignal: Sendable {
    private struct State {
        var isSignalled = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    /// Ends the wait, or the next one if nobody is waiting. Can be called from any thread.
    package func signal() {
        let waiter = self.state.withLock { state in
            defer { state.waiter = nil }
            if state.waiter == nil { state.isSignalled = true }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Returns after a signal, or when the task is cancelled. One waiter at a time.
    package func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = self.state.withLock { state in
                    defer { state.isSignalled = false }
                    if state.isSignalled || Task.isCancelled { return true }
                    state.waiter = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            self.state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }?.resume()
        }
    }

    /// Returns after a signal, after a time at the latest, or when the task is cancelled. One waiter at a time.
    /// - Returns: Whether the time has passed.
    @discardableResult
    package func sleep(for time: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { (try? await Task.sleep(for: time)) != nil }
            group.addTask {
                await self.wait()
                return false
            }
            let hasPassed = await group.next() ?? false
            group.cancelAll()
            return hasPassed
        }
    }
}
