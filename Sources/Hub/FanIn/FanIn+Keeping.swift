// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Logging

/// The periodic work of the fan-in.
extension FanIn {
    /// Interval between two removals of old sources.
    private static let forgetting: Duration = .seconds(3_600)
    /// Maximum number of letters or marks stored per call.
    private static let keepBatch = 500

    // MARK: - Stale sources

    func watch() async {
        let interval = min(self.limits.keeping, self.limits.staleAfter / 3)
        while (try? await Task.sleep(for: interval)) != nil {
            await self.updateStaleSources(now: self.now())
        }
    }

    /// Updates the stale sources: the leader from the messages it receives, other nodes periodically from the stored
    /// marks.
    package func updateStaleSources(now: Timestamp) async {
        guard !self.isLeading else { return self.check(now: now) }
        if let lost, now.duration(since: lost) > self.limits.handOver {
            self.lost = nil
            self.abandon()
            self.listenRequests.continuation.yield(false)
        }
        if let next = self.nextPoll, now < next { return }
        self.nextPoll = now.advanced(by: self.limits.staleAfter / 3)
        do throws(TapeFault) {
            let marks = try await self.store.sourceMarks()
            guard !self.isLeading else { return }
            self.table.learn(marks)
            self.check(now: now)
        } catch {
            // Without marks there is no new information, and the known state remains.
            self.logger.debug("the source marks cannot be read", metadata: ["fault": "\(error)"])
        }
    }

    func check(now: Timestamp) {
        if self.isBlocked { self.table.held(until: now) }
        _ = self.table.forget(heardBefore: now.advanced(by: .zero - self.limits.forgetAfter))
        let silent = self.table.checked(at: now, limit: self.limits.staleAfter)
        if !silent.isEmpty, self.isLeading {
            self.logger.warning(
                "sources are stale",
                metadata: ["count": "\(silent.count)", "sources": "\(silent.prefix(20))"]
            )
        }
        self.onStale(self.table.stale)
    }

    // MARK: - Stored state

    func keepUntilCancelled() async {
        while (try? await Task.sleep(for: self.limits.keeping)) != nil {
            await self.keep()
        }
    }

    /// Stores the changed marks and the queued dead letters, as far as the tape accepts them.
    package func keep() async {
        await self.noteMarks()
        await self.storeDeadLetters()
        await self.forgetSources(now: self.now())
    }

    private func noteMarks() async {
        let marks = self.table.takeMarks()
        guard !marks.isEmpty else { return }
        for start in stride(from: 0, to: marks.count, by: Self.keepBatch) {
            let batch = Array(marks[start..<min(start + Self.keepBatch, marks.count)])
            let halves = await InHalves(batch) { part throws(TapeFault) in
                try await self.store.note(part)
                return part
            }
            if let fault = halves.fault {
                self.table.putBack(Array(marks[(start + halves.results.count)...]))
                self.logger.debug("the source marks cannot be stored", metadata: ["fault": "\(fault)"])
                return
            }
        }
    }

    private func storeDeadLetters() async {
        while self.deadLetters.count > 0 {
            let batch = self.deadLetters.take(Self.keepBatch)
            let halves = await InHalves(batch) { part throws(TapeFault) in
                try await self.store.setAside(part)
                return part
            }
            let kept = halves.results.count { if case .success = $0 { true } else { false } }
            self.counted.deadLetters += kept
            self.deadLetters.lose(halves.results.count - kept)
            if let fault = halves.fault {
                self.deadLetters.putBack(Array(batch.dropFirst(halves.results.count)))
                self.logger.debug("dead letters cannot be stored", metadata: ["fault": "\(fault)"])
                return
            }
        }
    }

    private func forgetSources(now: Timestamp) async {
        if let next = self.nextForgetting, now < next { return }
        self.nextForgetting = now.advanced(by: Self.forgetting)
        do throws(TapeFault) {
            try await self.store.forgetSources(heardBefore: now.advanced(by: .zero - self.limits.forgetAfter))
        } catch {
            self.logger.debug("old sources cannot be deleted", metadata: ["fault": "\(error)"])
        }
    }
}
