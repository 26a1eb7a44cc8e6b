// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// An actor whose executor is an event loop.
///
/// Code that runs on that loop enters it with `assumeIsolated`, which costs no hop and is checked at run time.
package protocol LoopActor: Actor {
    nonisolated var loop: any EventLoop { get }
}

extension LoopActor {
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe self.loop.executor.asUnownedSerialExecutor()
    }

    /// Does something in a later turn of the loop. From any thread; what one thread asks for is done in order.
    package nonisolated func execute(_ work: @escaping @Sendable (isolated Self) -> Void) {
        self.loop.execute { self.assumeIsolated(work) }
    }

    /// Does something at once where the caller is on the loop, else as ``execute(_:)``.
    package nonisolated func executeNow(_ work: @escaping @Sendable (isolated Self) -> Void) {
        if self.loop.inEventLoop {
            self.assumeIsolated(work)
        } else {
            self.execute(work)
        }
    }

    /// Does something after a time.
    @discardableResult
    package nonisolated func schedule(
        in delay: TimeAmount,
        _ work: @escaping @Sendable (isolated Self) -> Void
    ) -> Scheduled<Void> {
        self.loop.scheduleTask(in: delay) { self.assumeIsolated(work) }
    }
}
