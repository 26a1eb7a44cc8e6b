// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// The compressed frames of a run: compressed when first requested, then shared by all connections.
package final class CompressedFrames: Sendable {
    private enum State: Sendable {
        /// Not requested yet. → `made`, `useless`
        case unmade
        case made(frames: ByteBuffer, ends: [Int])
        /// The compressed frames would not be shorter.
        case useless
    }

    private let compress: Framing.Compress
    private let budget: RingBudget
    private let state = Mutex(State.unmade)

    /// - Parameter budget: Includes the compressed frames for as long as they are in memory.
    package init(compress: @escaping Framing.Compress, budget: RingBudget) {
        self.compress = compress
        self.budget = budget
    }

    deinit {
        if case .made(let frames, _) = self.state.withLock({ $0 }) { self.budget.add(-frames.readableBytes) }
    }

    /// The compressed frames and the end of each; nil if the uncompressed frames should be sent.
    ///
    /// A concurrent call from another loop waits, since it would have to do the same work.
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
