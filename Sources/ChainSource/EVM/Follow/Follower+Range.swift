// SPDX-License-Identifier: Apache-2.0

import EventLog
import Logging

/// Below finality: ranges of blocks.
extension Follower {
    /// - Parameter final: The final block, according to the node.
    func takeRange(from place: Checkpoint, final: Int) async throws(FollowFault) -> FollowProgress {
        let first = place.number + 1
        let range = first...min(final, place.number + self.span.count)
        let last = range.upperBound
        // One batch, so that the logs and the block hashes come from the same node, and so that this node itself
        // reports the range as final.
        let asked = try await self.ask(
            [.block(.number(first)), .block(.number(last)), .logsInRange(range, self.filter), .block(.latest)]
                + (self.chain.finality == .tag ? [.block(.finalized)] : [])
        )
        guard let begin = try asked.block(0), let end = try asked.block(1), let head = try asked.block(3) else {
            throw .again("the node does not have blocks \(first) to \(last) yet")
        }
        guard begin.number == first, end.number == last else { throw .again("the node answered with another block") }
        let tagged = self.chain.finality == .tag ? try asked.blockIfAny(4) : nil
        let nodeFinal = self.final(below: head, tagged)
        guard nodeFinal >= last else {
            throw .again("the node that answered has not finalized block \(last)")
        }
        // A final range continues from the stored block, or the stored block is on another branch.
        guard begin.parentHash == place.hash else { return try await self.rollBack(place, to: begin, final: nodeFinal) }
        let logs: [Log]
        if let hint = asked.refusedForSize(2) {
            guard range.count == 1 else {
                self.span.refused(range, hint)
                self.logger.debug(
                    "block range rejected as too large",
                    metadata: ["chain": "\(self.chain.name)", "asked": "\(range.count)", "next": "\(self.span.count)"]
                )
                return .advanced
            }
            logs = try await self.wantedLogs(of: begin)
        } else {
            logs = try asked.logs(2)
            guard range.count == 1 || !self.span.isTooMuch(logs: logs.count) else {
                self.span.refused(range, nil)
                return .advanced
            }
        }
        try self.check(logs, of: range, begin, end)
        var place = place
        var events: [SourceEvent] = []
        var changes = Changes()
        // Blocks that were read one by one are final now, because the range builds on them.
        for block in place.blocks(in: (place.final + 1)...max(place.final + 1, place.number)) {
            self.promote(.final, block, &place, &events, &changes)
        }
        let wanted = logs.filter { $0.blockNumber >= self.chain.start }
        let users = wanted.isEmpty ? [:] : self.users()
        for (number, logs) in Dictionary(grouping: wanted, by: \.blockNumber).sorted(by: { $0.key < $1.key }) {
            let facts = self.facts(of: logs, users, &changes)
            let block = KnownBlock(
                number: number,
                hash: logs[0].blockHash,
                level: .final,
                turn: place.turn,
                facts: facts
            )
            self.promote(.final, block, &place, &events, &changes)
        }
        if place.blocks(in: last...last).isEmpty {
            place.remember(KnownBlock(number: last, hash: end.hash, level: .final, turn: place.turn, facts: []))
            changes.put.insert(last)
        }
        (place.number, place.hash, place.final) = (last, end.hash, last)
        try await self.commit(&place, events, changes)
        self.tipEndpoint = self.endpoint
        self.span.succeeded(logs: logs.count)
        return .advanced
    }

    private func check(
        _ logs: [Log],
        of range: ClosedRange<Int>,
        _ begin: Block,
        _ end: Block
    ) throws(FollowFault) {
        var hashes = [begin.number: begin.hash]
        guard hashes.updateValue(end.hash, forKey: end.number) ?? end.hash == end.hash else {
            throw .again("the node answered with two blocks of number \(end.number)")
        }
        var seen: Set<[Int]> = []
        for log in logs {
            guard range.contains(log.blockNumber), self.filter.includes(log), !log.isRemoved else {
                throw .again("the node answered with logs that were not requested")
            }
            guard hashes[log.blockNumber, default: log.blockHash] == log.blockHash else {
                throw .again("the node answered with logs of two blocks of number \(log.blockNumber)")
            }
            hashes[log.blockNumber] = log.blockHash
            guard seen.insert([log.blockNumber, log.index]).inserted else {
                throw .again("the node answered with a duplicate log")
            }
        }
    }
}
