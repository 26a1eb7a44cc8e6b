// SPDX-License-Identifier: Apache-2.0

import EventLog
import Logging

/// What a step changes in addition to the checkpoint.
struct Changes {
    /// Numbers of blocks whose stored form is written or removed.
    var put: Set<Int> = []
    var deadLetters: [DeadLetter] = []
    /// Number of logs published.
    var taken = 0
    /// Number of logs undone.
    var undone = 0
}

extension Follower {
    /// Promotes a block to a level.
    func promote(
        _ level: Chain.Level,
        _ block: KnownBlock,
        _ place: inout Checkpoint,
        _ events: inout [SourceEvent],
        _ changes: inout Changes
    ) {
        var block = block
        events += block.promote(level, in: self.chain)
        place.remember(block)
        changes.put.insert(block.number)
    }

    func facts(of logs: [Log], _ users: [Address: String], _ changes: inout Changes) -> [DecodedLog] {
        let (facts, deadLetters) = DecodedLog.all(of: logs, self.chain, users: users, now: .now)
        changes.deadLetters += deadLetters
        changes.taken += facts.count
        return facts
    }

    /// Commits a step. After a failure, the checkpoint is read again before the next step.
    func commit(_ place: inout Checkpoint, _ events: [SourceEvent], _ changes: Changes) async throws(FollowFault) {
        var changes = changes
        self.forgetOld(&place, &changes)
        var step = SourceStep(source: self.chain.source, version: place.version)
        step.puts.append(SourceEntry(name: Checkpoint.entryName, value: place.json))
        for number in changes.put.sorted() {
            let name = KnownBlock.entryName(number)
            if let block = place.blocks[number] {
                step.puts.append(SourceEntry(name: name, value: block.json))
            } else {
                step.removals.append(name)
            }
        }
        step.deadLetters = changes.deadLetters
        self.place = nil
        do throws(SinkFault) {
            try await self.sink.commit(events, step)
        } catch {
            self.knownEndpoint = nil
            switch error {
            case .unavailable(let why): throw .unavailable("the step was not committed: \(why)")
            case .moved: throw .unavailable("another process has continued this source")
            case .conflict(let ids):
                throw .stopped("other events are already stored with these ids: \(ids.joined(separator: ", "))")
            case .refused(let why): throw .stopped("the step cannot be stored as it is: \(why)")
            }
        }
        place.version += 1
        place.lighten()
        self.place = place
        self.contradictions = 0
        self.status.facts += changes.taken
        self.status.events += events.count
        self.status.undone += changes.undone
        self.status.deadLetters += changes.deadLetters.count
        self.note(place)
    }

    /// Drops blocks far below finality. The last one is kept, so that a checkpoint always has one.
    private func forgetOld(_ place: inout Checkpoint, _ changes: inout Changes) {
        let oldest = min(place.final, place.number) - self.chain.remembered
        for block in place.blocks(in: ..<oldest) {
            place.forget(block.number)
            changes.put.insert(block.number)
        }
    }

    func note(_ place: Checkpoint) {
        self.status.number = place.number
        self.status.final = place.final
    }

    func metadata(_ place: Checkpoint) -> Logger.Metadata {
        ["chain": "\(self.chain.name)", "block": "\(place.number)", "final": "\(place.final)"]
    }
}
