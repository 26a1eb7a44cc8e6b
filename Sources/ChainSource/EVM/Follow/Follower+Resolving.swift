// SPDX-License-Identifier: Apache-2.0

import JSON

/// Operator command for a chain that violated finality.
extension Follower {
    /// Outcome of the command.
    package enum Resolution: Sendable, Equatable {
        /// The node's chain has all remembered blocks: nothing was changed.
        case unneeded
        /// The events of the blocks above this one are undone, including final ones.
        case undone(downTo: Int, blocks: Int)
        /// The chain is followed from this block on; events of other blocks remain published.
        case restarted(at: Int)
    }

    /// Returns to the newest remembered block that the node's chain has and undoes all events since, including final
    /// ones. When the chain has none of them, restarts at a block that the operator names. No other process may follow
    /// the chain meanwhile.
    package func resolve(restartAt number: Int?) async throws(FollowFault) -> Resolution {
        guard let place = try await self.stored() else {
            throw .stopped("\(self.chain.name) has never been followed; there is nothing to resolve")
        }
        while true {
            self.endpoint = try self.node.endpoints.chosen()
            do throws(FollowFault) {
                try await self.checkChain(place)
                return try await self.resolve(place, restartAt: number)
            } catch {
                let fault = error.recordFailure(of: self.endpoint, in: self.node.endpoints)
                guard case .elsewhere = fault else { throw fault }
            }
        }
    }

    private func resolve(_ place: Checkpoint, restartAt number: Int?) async throws(FollowFault) -> Resolution {
        for block in place.blocks.values.sorted(by: { $0.number > $1.number }) where block.number <= place.number {
            guard try await self.ask([.block(.number(block.number))]).block(0)?.hash == block.hash else { continue }
            guard block.number < place.number else { return .unneeded }
            let count = try await self.undo(place, downTo: block.number)
            return .undone(downTo: block.number, blocks: count)
        }
        guard let number else {
            let oldest = place.blocks.keys.min() ?? place.number
            throw .stopped(
                "the node's chain has none of the remembered blocks \(oldest) to \(place.number); choose the "
                    + "block to restart at with --restart-at: events of later blocks remain published"
            )
        }
        guard let block = try await self.ask([.block(.number(number))]).block(0), block.number == number else {
            throw .stopped("the node has no block \(number)")
        }
        try await self.restart(place, at: block)
        return .restarted(at: number)
    }

    private func restart(_ place: Checkpoint, at block: Block) async throws(FollowFault) {
        var next = Checkpoint(
            chainID: place.chainID,
            genesis: place.genesis,
            contracts: place.contracts,
            number: block.number,
            hash: block.hash,
            version: place.version
        )
        next.turn = place.turn + 1
        try await self.commit(&next, [], Changes(put: Set(place.blocks.keys).union([block.number])))
    }
}
