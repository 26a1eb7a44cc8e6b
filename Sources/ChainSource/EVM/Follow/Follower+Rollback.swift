// SPDX-License-Identifier: Apache-2.0

import EventLog
import Logging

/// The chain has been reorganised.
extension Follower {
    /// Branches without our final block, in a row, before they are taken for the chain although the node says of none of
    /// them that it is final.
    private static let patience = 20

    /// Goes back to the last block in common with the branch of a block, and undoes what was told since, the last first.
    ///
    /// A branch that does not have our final block breaks the promise if the node calls it final as far as that. A node
    /// that does not is behind, and perhaps on a branch that died long ago: it is asked again, for a while.
    /// - Parameter final: What the node says is final.
    func rollBack(_ place: Place, to block: Block, final: Int) async throws(FollowFault) -> FollowProgress {
        var block = block
        while true {
            let number = block.number - 1
            if number >= place.final, place.hash(of: number) == block.parentHash { break }
            guard number > place.final else {
                // A gateway may have begun to answer with another chain.
                try await self.checkChain(place)
                self.contradictions += 1
                let why =
                    "the chain of the node does not have our final block \(place.final) (\(self.described(place))), but "
                    + "\(block.parentHash) as block \(number)"
                guard final >= place.final || self.contradictions >= Self.patience else { throw .again(why) }
                throw .stopped("\(why); see `broadtape chain resolve`")
            }
            let hash = block.parentHash
            guard let parent = try await self.ask([.blockByHash(hash)]).block(0) else {
                throw .again("the node does not have block \(hash) any more")
            }
            guard parent.hash == hash, parent.number == number else {
                throw .again("the node answered with another block")
            }
            block = parent
        }
        return .rolledBack(try await self.undo(place, downTo: block.number - 1))
    }

    /// Takes back what was told of the blocks above one that is remembered, which is the last one from then on.
    func undo(_ place: Place, downTo number: Int) async throws(FollowFault) -> Int {
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

    private func described(_ place: Place) -> String {
        place.hash(of: place.final)?.description ?? "not remembered"
    }
}
