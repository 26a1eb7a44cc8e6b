// SPDX-License-Identifier: Apache-2.0

import Synchronization

extension MemoryTape: FanInStore {
    /// Runs the work immediately: no other process has this tape.
    package func withLeadership(_: String, _ work: @escaping @Sendable () async -> Void) async throws(TapeFault) {
        await work()
    }

    package func setAside(_ deadLetters: [DeadLetter]) async throws(TapeFault) {
        self.fanIn.withLock { $0.setAside(deadLetters) }
    }

    package func deadLetters(limit: Int) async throws(TapeFault) -> [DeadLetter] {
        self.fanIn.withLock { $0.deadLetters.suffix(max(0, limit)).reversed() }
    }

    package func sourceMarks() async throws(TapeFault) -> [SourceMark] {
        self.fanIn.withLock { $0.sourceMarks }
    }

    package func note(_ marks: [SourceMark]) async throws(TapeFault) {
        self.fanIn.withLock { $0.note(marks) }
    }

    package func forgetSources(heardBefore time: Timestamp) async throws(TapeFault) {
        self.fanIn.withLock { $0.forgetSources(heardBefore: time) }
    }
}
