// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

/// Event loops that the tests share.
enum Loops {
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 4)

    /// Different loops, at most four.
    static func take(_ count: Int) -> [any EventLoop] {
        Array(self.group.makeIterator().prefix(count))
    }
}

extension EventLoop {
    /// Lets what is queued on the loop happen, and what that queues in turn.
    func settle() async throws {
        for _ in 0..<8 {
            try await self.submit {}.get()
        }
    }
}
