// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Where code on an event loop, which cannot suspend, starts work that does.
///
/// Everything started here is a child of ``run()``, which does not return before all of it has ended: no task floats
/// free. The number of children at once is bounded; what is refused is told to the caller at once.
package final class Nursery: Sendable {
    package typealias Work = @Sendable () async -> Void

    private let limit: Int
    private let children = Atomic<Int>(0)
    private let works: AsyncStream<Work>
    private let continuation: AsyncStream<Work>.Continuation

    /// - Parameter limit: Most children at once, waiting ones included.
    package init(limit: Int) {
        self.limit = limit
        (self.works, self.continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(limit))
    }

    /// Starts work soon, on no particular executor.
    /// - Returns: False when there are too many children, or no more are taken; the work will not run then.
    package func start(_ work: @escaping Work) -> Bool {
        guard self.children.wrappingAdd(1, ordering: .relaxed).newValue <= self.limit,
            case .enqueued = self.continuation.yield(work)
        else {
            self.children.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    /// Takes no more work; ``run()`` returns when what there is has ended.
    package func finish() {
        self.continuation.finish()
    }

    /// Runs the children until ``finish()``; cancelling cancels them.
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
