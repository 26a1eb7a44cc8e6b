// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Starts asynchronous work from code on an event loop, which cannot suspend.
///
/// Everything started here is a child of ``run()``, which returns only after all children have ended: there are no
/// unstructured tasks. The number of concurrent children is bounded, and a caller learns immediately if its work is
/// rejected.
package final class Nursery: Sendable {
    package typealias Work = @Sendable () async -> Void

    private let limit: Int
    private let children = Atomic<Int>(0)
    private let works: AsyncStream<Work>
    private let continuation: AsyncStream<Work>.Continuation

    /// - Parameter limit: Maximum number of children, including waiting ones.
    package init(limit: Int) {
        self.limit = limit
        (self.works, self.continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(limit))
    }

    /// Starts work soon, on no particular executor.
    /// - Returns: False if there are too many children, or ``finish()`` was called; the work does not run then.
    package func start(_ work: @escaping Work) -> Bool {
        guard self.children.wrappingAdd(1, ordering: .relaxed).newValue <= self.limit,
            case .enqueued = self.continuation.yield(work)
        else {
            self.children.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    /// Accepts no more work; ``run()`` returns when the remaining work has ended.
    package func finish() {
        self.continuation.finish()
    }

    /// Runs the children until ``finish()``. Cancelling this task cancels them.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for await work in self.works {
                group.addTask {
                    await work()
                    self.children.wrappingSubtract(1, ordering: .relaxed)
                }
            }
        }
    }
}
