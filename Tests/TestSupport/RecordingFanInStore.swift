// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// A fan-in store in memory. Several hubs can share it; tests can make it fail and revoke leadership.
package final class RecordingFanInStore: FanInStore {
    package struct Record: Sendable {
        package var deadLetters: [DeadLetter] = []
        package var marks: [String: SourceMark] = [:]
        /// Marks noted, in order.
        package var notes: [[SourceMark]] = []
        /// How often work has begun.
        package var turns = 0
        /// How many work at present; never more than one if the store is right.
        package var working = 0
        package var markReads = 0
        package var forgotten: [Timestamp] = []
        /// Thrown by every call while it is set.
        package var fault: TapeFault?
        /// Letters and marks of this name are refused, with what comes together with them.
        package var unfit: String?
        fileprivate var isTaken = false
        /// Incremented when the current leader has to stop.
        fileprivate var revocations = 0
    }

    private let record = Watched(Record())

    package init() {}

    package var value: Record {
        self.record.value
    }

    /// Returns once the record meets a condition.
    package func wait(for what: String, until condition: @escaping @Sendable (Record) -> Bool) async throws {
        try await self.record.wait(for: what, until: condition)
    }

    /// From now on every call fails, or none does.
    package func fail(_ fault: TapeFault?) {
        self.record.change { $0.fault = fault }
    }

    /// Revokes leadership from the current holder, as when its connection is lost.
    package func revoke() {
        self.record.change { $0.revocations += 1 }
    }

    /// Puts in what another node would have noted.
    package func put(_ marks: [SourceMark]) {
        self.record.change { record in
            for mark in marks { record.marks[mark.source] = mark }
        }
    }

    /// From now on what has this name is refused, and what comes together with it.
    package func refuse(_ name: String) {
        self.record.change { $0.unfit = name }
    }

    private func check(_ names: [String] = []) throws(TapeFault) {
        if let fault = self.record.value.fault { throw fault }
        if let unfit = self.record.value.unfit, names.contains(unfit) {
            throw .refused(ContentRefusal(kind: "a limit", detail: "the innards"))
        }
    }

    // MARK: - FanInStore

    package func withLeadership(_ name: String, _ work: @escaping @Sendable () async -> Void) async throws(TapeFault) {
        try self.check()
        while !self.takeTurn() {
            guard !Task.isCancelled else { return }
            try? await self.record.wait(for: "a turn", within: .seconds(600)) { !$0.isTaken }
        }
        let before = self.record.change { record in
            record.turns += 1
            record.working += 1
            return record.revocations
        }
        let wasRevoked = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await work()
                return false
            }
            group.addTask {
                do {
                    try await self.record.wait(for: "a revocation", within: .seconds(600)) {
                        $0.revocations > before
                    }
                    return !Task.isCancelled
                } catch {
                    return false
                }
            }
            let first = await group.next() ?? false
            group.cancelAll()
            await group.waitForAll()
            return first
        }
        self.record.change { record in
            record.working -= 1
            record.isTaken = false
        }
        if wasRevoked { throw .unavailable("the turn was taken away") }
    }

    private func takeTurn() -> Bool {
        self.record.change { record in
            guard !record.isTaken else { return false }
            record.isTaken = true
            return true
        }
    }

    package func setAside(_ deadLetters: [DeadLetter]) async throws(TapeFault) {
        try self.check(deadLetters.map(\.channel))
        self.record.change { $0.deadLetters += deadLetters }
    }

    package func deadLetters(limit: Int) async throws(TapeFault) -> [DeadLetter] {
        try self.check()
        return Array(self.record.value.deadLetters.reversed().prefix(limit))
    }

    package func sourceMarks() async throws(TapeFault) -> [SourceMark] {
        self.record.change { $0.markReads += 1 }
        try self.check()
        return self.record.value.marks.values.sorted { $0.source < $1.source }
    }

    package func note(_ marks: [SourceMark]) async throws(TapeFault) {
        try self.check(marks.map(\.source))
        self.record.change { record in
            record.notes.append(marks)
            for mark in marks { record.marks[mark.source] = mark }
        }
    }

    package func forgetSources(heardBefore time: Timestamp) async throws(TapeFault) {
        try self.check()
        self.record.change { record in
            record.forgotten.append(time)
            record.marks = record.marks.filter { $0.value.heard >= time }
        }
    }
}
