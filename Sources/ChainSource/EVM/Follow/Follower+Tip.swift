// SPDX-License-Identifier: Apache-2.0

import EventLog

/// Above finality: one block per step.
extension Follower {
    /// - Parameter final: The final block, according to the node.
    func takeBlock(_ block: Block, from place: Checkpoint, final: Int) async throws(FollowFault) -> FollowProgress {
        guard block.parentHash == place.hash else { return try await self.rollBack(place, to: block, final: final) }
        let logs = block.number < self.chain.start ? [] : try await self.logs(of: block)
        var place = place
        var events: [SourceEvent] = []
        var changes = Changes()
        let facts = self.facts(of: logs, logs.isEmpty ? [:] : self.users(), &changes)
        let known = KnownBlock(number: block.number, hash: block.hash, level: .seen, turn: place.turn, facts: facts)
        self.promote(.seen, known, &place, &events, &changes)
        (place.number, place.hash) = (block.number, block.hash)
        let confirmed = block.number - self.chain.confirmations
        if confirmed > place.final {
            for block in place.blocks(in: (place.final + 1)...confirmed) where block.level < .confirmed {
                self.promote(.confirmed, block, &place, &events, &changes)
            }
        }
        try await self.commit(&place, events, changes)
        self.tipEndpoint = self.endpoint
        return .advanced
    }

    /// All followed logs of a block. Requested by hash: by number, the node may answer for another block.
    private func logs(of block: Block) async throws(FollowFault) -> [Log] {
        let logs: [Log]
        if self.chain.bloom == .exact {
            guard self.mayHaveWanted(block) else { return [] }
            if let all = try await self.allLogs(of: block) {
                guard Self.bloom(of: all) == block.bloom else {
                    throw .again("the node does not have all logs of block \(block.number) yet")
                }
                logs = all
            } else {
                // The node has all of them, it only rejects the size of the answer.
                logs = try await self.wantedLogs(of: block)
            }
        } else {
            logs = try await self.wantedLogs(of: block)
        }
        guard logs.allSatisfy({ $0.blockHash == block.hash && $0.blockNumber == block.number && !$0.isRemoved }) else {
            throw .again("the node answered with logs of another block")
        }
        return logs.filter(self.filter.includes)
    }

    /// All logs of a block; nil when they exceed the node's limit for one answer.
    private func allLogs(of block: Block) async throws(FollowFault) -> [Log]? {
        let asked = try await self.ask([.logsOfBlock(block.hash, nil)])
        guard asked.refusedForSize(0) != nil else { return try asked.logs(0) }
        return try await self.ask([.receiptsOfBlock(block.hash)]).logsOfReceipts(0)
    }

    /// The followed logs of a block, contract by contract when they are too many for one answer.
    func wantedLogs(of block: Block) async throws(FollowFault) -> [Log] {
        let asked = try await self.ask([.logsOfBlock(block.hash, self.filter)])
        guard asked.refusedForSize(0) != nil else { return try asked.logs(0) }
        var logs: [Log] = []
        for address in self.filter.addresses {
            let filter = LogFilter(addresses: [address], topics: self.filter.topics)
            logs += try await self.ask([.logsOfBlock(block.hash, filter)]).logs(0)
        }
        return logs
    }

    private func mayHaveWanted(_ block: Block) -> Bool {
        self.chain.contracts.contains { address, events in
            block.bloom.mayContain(address.bytes)
                && events.contains { block.bloom.mayContain($0.signature.topic.bytes) }
        }
    }

    private static func bloom(of logs: [Log]) -> Bloom {
        var bloom = Bloom()
        // Addresses and topics repeat, and hashing dominates the cost.
        for address in Set(logs.map(\.address)) { bloom.insert(address.bytes) }
        for topic in Set(logs.flatMap(\.topics)) { bloom.insert(topic.bytes) }
        return bloom
    }

    // MARK: - Finality

    /// Marks blocks as final if the node confirms that its final block is the stored one.
    /// - Parameter final: The final block, according to the node.
    /// - Returns: Nil when there was nothing to do.
    func finalize(_ place: Checkpoint, tagged: Block?, final: Int) async throws(FollowFault) -> FollowProgress? {
        let shown: Block
        switch self.chain.finality {
        case .tag:
            guard let tagged, tagged.number > place.final, tagged.number <= place.number else { return nil }
            shown = tagged
        case .depth:
            guard final > place.final, final <= place.number else { return nil }
            guard let block = try await self.ask([.block(.number(final))]).block(0) else {
                throw .again("the node does not have block \(final)")
            }
            guard block.number == final else { throw .again("the node answered with another block") }
            shown = block
        }
        // On another branch: the next block or the head reveals the reorganisation.
        guard place.hash(of: shown.number) == shown.hash else { return nil }
        var place = place
        var events: [SourceEvent] = []
        var changes = Changes()
        for block in place.blocks(in: (place.final + 1)...shown.number) {
            self.promote(.final, block, &place, &events, &changes)
        }
        place.final = shown.number
        try await self.commit(&place, events, changes)
        return .advanced
    }
}
