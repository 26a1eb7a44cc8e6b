// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// A block that was processed, and the events that were published for it.
struct KnownBlock: Sendable, Equatable {
    let number: Int
    let hash: Hash256
    /// Level that the block has reached.
    var level: Chain.Level
    /// Counts rollbacks. Within one generation a block is processed at most once, so ids that include it are unique.
    let turn: Int
    let facts: [DecodedLog]
    /// Level at which the logs were first published, if any; an undo refers to it.
    var reportedLevel: Chain.Level?

    init(number: Int, hash: Hash256, level: Chain.Level, turn: Int, facts: [DecodedLog]) {
        self.number = number
        self.hash = hash
        self.level = level
        self.turn = turn
        self.facts = facts
    }

    // MARK: Stored form

    static let prefix = "place/block/"

    static func entryName(_ number: Int) -> String {
        let digits = String(number)
        return Self.prefix + String(repeating: "0", count: max(0, 16 - digits.count)) + digits
    }

    init?(json: [UInt8]) {
        guard let value = try? JSON.Value.parse(json), let number = value["number"]?.integer(in: .seq),
            let hash = value["hash"]?.string.flatMap(Hash256.init(_:)),
            let level = value["level"]?.string.flatMap(Chain.Level.init(rawValue:)),
            let turn = value["turn"]?.integer(in: .seq)
        else { return nil }
        self.init(
            number: number,
            hash: hash,
            level: level,
            turn: turn,
            facts: value["facts"]?.elements.compactMap { DecodedLog($0) } ?? []
        )
        self.reportedLevel = value["told"]?.string.flatMap(Chain.Level.init(rawValue:))
    }

    var json: [UInt8] {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("number", integer: self.number)
        writer.member("hash", string: self.hash.description)
        writer.member("level", string: self.level.rawValue)
        writer.member("turn", integer: self.turn)
        if let level = self.reportedLevel { writer.member("told", string: level.rawValue) }
        if !self.facts.isEmpty {
            writer.name("facts")
            writer.beginArray()
            for fact in self.facts { fact.write(to: &writer) }
            writer.endArray()
        }
        writer.endObject()
        return writer.bytes
    }

    // MARK: Events

    /// Promotes the block to a level: returns the events of its logs if that level is published.
    mutating func promote(_ level: Chain.Level, in chain: Chain) -> [SourceEvent] {
        self.level = level
        guard chain.levels.contains(level) else { return [] }
        if self.reportedLevel == nil { self.reportedLevel = level }
        return self.facts.flatMap { fact in
            [self.event(fact, level, in: chain, id: self.id(fact, level))]
                + self.moves(fact, status: TransferRule.status(level), level, id: self.id(fact, level))
        }
    }

    /// Undoes the published events of the block, newest first.
    func undo(turn: Int, in chain: Chain) -> [SourceEvent] {
        guard let reportedLevel else { return [] }
        let last = chain.levels.filter { $0 <= self.level }.max() ?? reportedLevel
        return self.facts.reversed().flatMap { fact in
            let id = "\(self.hash):\(fact.logIndex):undo:\(turn)"
            return [self.event(fact, last, in: chain, id: id, undoes: self.id(fact, reportedLevel))]
                + self.moves(fact, status: TransferRule.undoneStatus, nil, id: id)
        }
    }

    private func id(_ fact: DecodedLog, _ level: Chain.Level) -> String {
        "\(self.hash):\(fact.logIndex):\(level.rawValue):\(self.turn)"
    }

    private func event(
        _ fact: DecodedLog,
        _ level: Chain.Level,
        in chain: Chain,
        id: String,
        undoes: String? = nil
    ) -> SourceEvent {
        var writer = JSON.Writer(reservingCapacity: 512)
        writer.beginObject()
        writer.member("chain", string: chain.name)
        writer.member("contract", string: fact.contract)
        writer.member("event", string: fact.event)
        writer.member("blockNumber", integer: self.number)
        writer.member("blockHash", string: self.hash.description)
        writer.member("transactionHash", string: fact.transactionHash)
        writer.member("logIndex", integer: fact.logIndex)
        writer.member("level", string: level.rawValue)
        writer.member("fact", string: fact.name)
        if let undoes { writer.member("undoes", string: undoes) }
        writer.member("args", raw: fact.args)
        writer.endObject()
        return SourceEvent(id: id, type: "chainEvent", key: fact.contract, data: writer.bytes)
    }

    /// - Parameter level: Nil for an undo.
    private func moves(_ fact: DecodedLog, status: String, _ level: Chain.Level?, id: String) -> [SourceEvent] {
        fact.moves.enumerated().compactMap { index, move in
            switch move.kind {
            case .transaction:
                var data = move.data
                data.removeLast()
                data.append(contentsOf: ",\"status\":\"\(status)\"}".utf8)
                return SourceEvent(id: "\(id):\(index)", type: "transactionUpdate", key: move.user, data: data)
            case .balance:
                guard level == .final else { return nil }
                return SourceEvent(id: "\(id):\(index)", type: "balanceUpdate", key: move.user, data: move.data)
            }
        }
    }
}
