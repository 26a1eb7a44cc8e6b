// SPDX-License-Identifier: Apache-2.0

import EventLog
import Logging

/// Handling of chain reorganisations.
extension Follower {
    /// Consecutive branches without the stored final block that count as a finality violation, even if the node does
    /// not report them as final.
    private static let patience = 20

    /// Returns to the last common ancestor with the branch of a block and undoes the events published since, newest
    /// first.
    ///
    /// A branch without the stored final block violates finality if the node reports that height as final. Otherwise
    /// the node is behind, or on an abandoned branch; it is retried a limited number of times.
    /// - Parameter final: The final block, according to the node.
    func rollBack(_ place: Checkpoint, to block: Block, final: Int) async throws(FollowFault) -> FollowProgress {
        var block = block
        while true {
            let number = block.number - 1
            if number >= place.final, place.hash(of: number) == block.parentHash { break }
            guard number > place.final else {
                // A gateway may have switched to another chain.
                try await self.checkChain(place)
                self.contradictions += 1
                let why =
                    "the node's chain does not have final block \(place.final) (\(self.described(place))), but "
                    + "\(block.parentHash) as block \(number)"
                guard final >= place.final || self.contradictions >= Self.patience else { throw .again(why) }
                throw .stopped("\(why); see `broadtape chain resolve`")
            }
            let hash = block.parentHash
            guard let parent = try await self.ask([.blockByHash(hash)]).block(0) else {
                throw .again("the node no longer has block \(hash)")
            }
            guard parent.hash == hash, parent.number == number else {
                throw .again("the node answered with another block")
            }
            block = parent
        }
        return .rolledBack(try await self.undo(place, downTo: block.number - 1))
    }

    /// Undoes the events of all blocks above a remembered one, which becomes the new tip.
    func undo(_ place: Checkpoint, downTo number: Int) async throws(FollowFault) -> Int {
        guard let hash = place.hash(of: number) else { throw .stopped("block \(number) is not remembered") }
        var place = place
        var events: [SourceEvent] = []
        var changes = Changes()
        place.turn += 1
        let depth = place.number - number
        for block in place.blocks(in: (number + 1)...max(number + 1, place.number)).reversed() {
            let undone = block.undo(turn: place.turn, in: self.chain)
            if !undone.isEmpty { changes.undone += block.facts.count }
            events += undone
            place.forget(block.number)
            changes.put.insert(block.number)
        }
        (place.number, place.hash) = (number, hash)
        place.final = min(place.final, number)
        try await self.commit(&place, events, changes)
        self.tipEndpoint = self.endpoint
        self.status.rollbacks += 1
        self.logger.notice(
            "the chain was reorganised",
            metadata: self.metadata(place).merging(
                ["depth": "\(depth)", "undone": "\(changes.undone)"],
                uniquingKeysWith: { _, new in new }
            )
        )
        return depth
    }

    private func described(_ place: Checkpoint) -> String {
        place.hash(of: place.final)?.description ?? "not remembered"
    }
}
