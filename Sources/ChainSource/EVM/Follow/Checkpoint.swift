// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// Checkpoint of a follower: the state kept between steps.
struct Checkpoint: Sendable, Equatable {
    /// Name of the entry with everything except the blocks.
    static let entryName = "place/cursor"
    /// Prefix of the names of all its entries.
    static let prefix = "place/"

    let chainID: Int
    let genesis: Hash256
    /// See ``Chain/contractsDigest``.
    var contracts: String
    /// Last block that was processed.
    var number: Int
    var hash: Hash256
    /// Blocks up to this one are published as final and never undone; not above ``number``.
    var final: Int
    /// See ``KnownBlock/turn``.
    var turn: Int
    /// Every block from ``final`` to ``number``, and for a while blocks with logs below that.
    private(set) var blocks: [Int: KnownBlock] = [:]
    /// See ``SourceState/version``.
    var version: Int

    init(chainID: Int, genesis: Hash256, contracts: String, number: Int, hash: Hash256, version: Int) {
        self.chainID = chainID
        self.genesis = genesis
        self.contracts = contracts
        self.number = number
        self.hash = hash
        self.final = number
        self.turn = 0
        self.version = version
        self.blocks[number] = KnownBlock(number: number, hash: hash, level: .final, turn: 0, facts: [])
    }

    /// Reads the stored checkpoint; nil before the first step.
    init?(_ state: SourceState) throws(TapeFault) {
        guard let entry = state.entries.first(where: { $0.name == Self.entryName }) else { return nil }
        guard let value = try? JSON.Value.parse(entry.value), let chainID = value["chainId"]?.integer(in: .unlimited),
            let genesis = value["genesis"]?.string.flatMap(Hash256.init(_:)),
            let contracts = value["contracts"]?.string, let number = value["number"]?.integer(in: .seq),
            let hash = value["hash"]?.string.flatMap(Hash256.init(_:)),
            let final = value["final"]?.integer(in: .seq), let turn = value["turn"]?.integer(in: .seq)
        else { throw .damaged("the stored checkpoint of a chain is malformed") }
        self.chainID = chainID
        self.genesis = genesis
        self.contracts = contracts
        self.number = number
        self.hash = hash
        self.final = final
        self.turn = turn
        self.version = state.version
        for entry in state.entries where entry.name.hasPrefix(KnownBlock.prefix) {
            guard let block = KnownBlock(json: entry.value) else {
                throw .damaged("\(entry.name) of a chain is malformed")
            }
            self.blocks[block.number] = block
        }
    }

    var json: [UInt8] {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("chainId", integer: self.chainID)
        writer.member("genesis", string: self.genesis.description)
        writer.member("contracts", string: self.contracts)
        writer.member("number", integer: self.number)
        writer.member("hash", string: self.hash.description)
        writer.member("final", integer: self.final)
        writer.member("turn", integer: self.turn)
        writer.endObject()
        return writer.bytes
    }

    /// Hash of a remembered block.
    func hash(of number: Int) -> Hash256? {
        number == self.number ? self.hash : self.blocks[number]?.hash
    }

    /// Remembered blocks with numbers in a range, ascending.
    func blocks(in range: some RangeExpression<Int>) -> [KnownBlock] {
        self.blocks.values.filter { range.contains($0.number) }.sorted { $0.number < $1.number }
    }

    mutating func remember(_ block: KnownBlock) {
        self.blocks[block.number] = block
    }

    /// Releases the logs of final blocks from memory; they remain stored. Only an operator can undo them, and that
    /// reads the stored form. Memory use does not depend on the number of logs in a block.
    mutating func lighten() {
        for block in self.blocks.values where block.number <= self.final && !block.facts.isEmpty {
            self.blocks[block.number] = KnownBlock(
                number: block.number,
                hash: block.hash,
                level: block.level,
                turn: block.turn,
                facts: []
            )
        }
    }

    mutating func forget(_ number: Int) {
        self.blocks[number] = nil
    }
}
