// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// The frames of a run compressed: made when the first connection wants them, then shared by all.
package final class CompressedFrames: Sendable {
    private enum State: Sendable {
        /// Nobody has asked yet. → `made`, `useless`
        case unmade
        case made(frames: ByteBuffer, ends: [Int])
        /// They would not be shorter.
        case useless
    }

    private let compress: Framing.Compress
    private let budget: RingBudget
    private let state = Mutex(State.unmade)

    /// - Parameter budget: What is made counts for as long as it is held.
    package init(compress: @escaping Framing.Compress, budget: RingBudget) {
        self.compress = compress
        self.budget = budget
    }

    deinit {
        if case .made(let frames, _) = self.state.withLock({ $0 }) { self.budget.add(-frames.readableBytes) }
    }

    /// The compressed frames and where each of them ends; nil when the plain ones are to be sent.
    ///
    /// Another loop that asks meanwhile waits: it would have to do the same work.
    func frames(of bytes: ByteBuffer) -> (frames: ByteBuffer, ends: [Int])? {
        self.state.withLock { state in
            switch state {
            case .made(let frames, let ends): return (frames, ends)
            case .useless: return nil
            case .unmade:
                guard let (frames, ends) = self.compress(bytes) else {
                    state = .useless
                    return nil
                }
                state = .made(frames: frames, ends: ends)
                self.budget.add(frames.readableBytes)
                return (frames, ends)
            }
        }
    }
}
