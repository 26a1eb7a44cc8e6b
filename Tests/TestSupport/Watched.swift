// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// A value that many tasks change and that tests wait on, without polling.
package final class Watched<State: Sendable>: Sendable {
    private struct Waiter: Sendable {
        var id: Int
        var condition: @Sendable (State) -> Bool
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct Guarded: Sendable {
        var state: State
        var waiters: [Waiter] = []
        var lastID = 0
    }

    private let guarded: Mutex<Guarded>

    package init(_ state: State) {
        self.guarded = Mutex(Guarded(state: state))
    }

    package var value: State {
        self.guarded.withLock { $0.state }
    }

    /// Changes the value and resumes the waiters whose condition it now meets.
    @discardableResult
    package func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        let (result, met) = self.guarded.withLock { guarded in
            let result = body(&guarded.state)
            let met = guarded.waiters.filter { $0.condition(guarded.state) }
            guarded.waiters.removeAll { waiter in met.contains { $0.id == waiter.id } }
            return (result, met)
        }
        for waiter in met {
            waiter.continuation.resume(returning: true)
        }
        return result
    }

    /// Returns once the condition holds, at once if it does already.
    /// - Throws: ``TimedOut`` with the value as it was then.
    package func wait(
        for what: String,
        within limit: Duration = .seconds(20),
        until condition: @escaping @Sendable (State) -> Bool
    ) async throws {
        if self.guarded.withLock({ condition($0.state) }) { return }
        let isMet = await withTaskGroup(of: Bool?.self) { group in
            group.addTask { await self.met(condition) }
            group.addTask {
                // The only clock: it bounds a wait that has gone wrong.
                try? await Task.sleep(for: limit * patience)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first ?? false
        }
        if !isMet, !self.guarded.withLock({ condition($0.state) }) {
            throw TimedOut(what: what, state: "\(self.value)")
        }
    }

    private func met(_ condition: @escaping @Sendable (State) -> Bool) async -> Bool {
        let id = self.guarded.withLock { guarded in
            guarded.lastID += 1
            return guarded.lastID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isSettled: Bool? = self.guarded.withLock { guarded in
                    if condition(guarded.state) { return true }
                    if Task.isCancelled { return false }
                    guarded.waiters.append(Waiter(id: id, condition: condition, continuation: continuation))
                    return nil
                }
                if let isSettled { continuation.resume(returning: isSettled) }
            }
        } onCancel: {
            let waiter = self.guarded.withLock { guarded in
                guarded.waiters.firstIndex { $0.id == id }.map { guarded.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume(returning: false)
        }
    }
}

/// How many times longer than usual a wait may take: `BROADTAPE_PATIENCE`, for runs under a sanitizer.
private let patience = ProcessInfo.processInfo.environment["BROADTAPE_PATIENCE"].flatMap { Int($0) } ?? 1

/// A test waited for something that did not come.
package struct TimedOut: Error, CustomStringConvertible {
    package var what: String
    package var state: String

    package init(what: String, state: String) {
        self.what = what
        self.state = state
    }

    package var description: String {
        "waited in vain for \(self.what); it was: \(self.state.prefix(4000))"
    }
}

/// Something that a test needs is not available, and why.
package struct SetupFailure: Error, CustomStringConvertible {
    package var description: String
}

/// Polls until a condition holds; for what has no event to wait on.
package func eventually(
    _ what: String,
    within limit: Duration = .seconds(20),
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now.advanced(by: limit * patience)
    var looks = 0
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw TimedOut(what: what, state: "never true")
        }
        looks += 1
        if looks < 50 {
            await Task.yield()
        } else {
            // Leaves the machine to what is waited for.
            try await Task.sleep(for: .milliseconds(1))
        }
    }
}
