// SPDX-License-Identifier: Apache-2.0

import JSON
import Synchronization

/// The fan-in's state in memory.
struct MemoryFanIn: Sendable {
    /// Size limit of dead letters in bytes, in addition to ``DeadLetter/kept``.
    private static let deadLetterBytes = 16 << 20

    /// Oldest first.
    private(set) var deadLetters: [DeadLetter] = []
    private var bytes = 0
    private var marks: [ExactText: SourceMark] = [:]

    mutating func setAside(_ new: [DeadLetter]) {
        self.deadLetters += new
        self.bytes += new.reduce(0) { $0 + Self.cost($1) }
        var forgotten = 0
        while self.deadLetters.count - forgotten > DeadLetter.kept || self.bytes > Self.deadLetterBytes {
            self.bytes -= Self.cost(self.deadLetters[forgotten])
            forgotten += 1
        }
        self.deadLetters.removeFirst(forgotten)
    }

    private static func cost(_ letter: DeadLetter) -> Int {
        letter.payload.count + letter.channel.utf8.count + letter.reason.utf8.count + 96
    }

    /// Ascending by source.
    var sourceMarks: [SourceMark] {
        self.marks.sorted { $0.key < $1.key }.map(\.value)
    }

    mutating func note(_ new: [SourceMark]) {
        for mark in new {
            self.marks[ExactText(mark.source)] = mark
        }
    }

    mutating func forgetSources(heardBefore time: Timestamp) {
        self.marks = self.marks.filter { $0.value.heard >= time }
    }
}

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
