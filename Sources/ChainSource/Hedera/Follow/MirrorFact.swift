// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// A decoded log of a followed event: the source of published events.
struct MirrorFact: Sendable, Equatable {
    let key: LogKey
    let contract: String
    let event: String
    let blockNumber: Int
    let blockHash: String
    let transactionHash: String
    /// A JSON object.
    let args: [UInt8]
    let moves: [OwnedTransfer]

    init(
        _ log: MirrorLog,
        of contract: ContractName,
        _ wanted: Chain.WantedEvent,
        in mirror: Mirror,
        users: [Address: String]
    ) throws(UndecodableLog) {
        let values = try wanted.signature.decode(topics: log.topics, data: log.data)
        self.key = log.key
        self.contract = contract.description
        self.event = wanted.signature.name
        self.blockNumber = log.blockNumber
        self.blockHash = log.blockHash
        self.transactionHash = log.transactionHash
        self.args = DecodedLog.json(values)
        let name = "\(log.transactionHash):\(log.key.index)"
        self.moves = wanted.moves.enumerated().compactMap { index, move in
            OwnedTransfer(move, values, fact: "\(mirror.name):\(name):\(index)", users: users)
        }
    }

    // MARK: Events

    /// Promotes the log to a level and returns its events.
    /// - Parameter balances: Whether a balance may be published: false when a later one may have been published
    ///   already.
    func promote(_ level: Chain.Level, in mirror: Mirror, balances: Bool = true) -> [SourceEvent] {
        guard mirror.levels.contains(level) else { return [] }
        let id = self.id(level.rawValue)
        return [self.event(level, in: mirror, id: id)]
            + self.moves(status: TransferRule.status(level), id: id, balances: balances && level == .final)
    }

    /// Undoes the log's confirmed events.
    func undo(in mirror: Mirror) -> [SourceEvent] {
        guard mirror.levels.contains(.confirmed) else { return [] }
        let id = self.id("undo")
        return [self.event(.confirmed, in: mirror, id: id, undoes: self.id(Chain.Level.confirmed.rawValue))]
            + self.moves(status: TransferRule.undoneStatus, id: id, balances: false)
    }

    /// Starts with the contract: the same contract under two names has separate events.
    private func id(_ end: String) -> String {
        "\(self.contract):\(self.key):\(end)"
    }

    private func event(_ level: Chain.Level, in mirror: Mirror, id: String, undoes: String? = nil) -> SourceEvent {
        var writer = JSON.Writer(reservingCapacity: 640)
        writer.beginObject()
        writer.member("chain", string: mirror.name)
        writer.member("contract", string: self.contract)
        writer.member("event", string: self.event)
        writer.member("consensusTimestamp", string: self.key.time.description)
        writer.member("blockNumber", integer: self.blockNumber)
        writer.member("blockHash", string: self.blockHash)
        writer.member("transactionHash", string: self.transactionHash)
        writer.member("logIndex", integer: self.key.index)
        writer.member("level", string: level.rawValue)
        writer.member("fact", string: "\(self.transactionHash):\(self.key.index)")
        if let undoes { writer.member("undoes", string: undoes) }
        writer.member("args", raw: self.args)
        writer.endObject()
        return SourceEvent(id: id, type: "chainEvent", key: self.contract, data: writer.bytes)
    }

    private func moves(status: String, id: String, balances: Bool) -> [SourceEvent] {
        self.moves.enumerated().compactMap { index, move in
            switch move.kind {
            case .transaction:
                var data = move.data
                data.removeLast()
                data.append(contentsOf: ",\"status\":\"\(status)\"}".utf8)
                return SourceEvent(id: "\(id):\(index)", type: "transactionUpdate", key: move.user, data: data)
            case .balance:
                guard balances else { return nil }
                return SourceEvent(id: "\(id):\(index)", type: "balanceUpdate", key: move.user, data: move.data)
            }
        }
    }

    // MARK: Stored form

    init?(_ value: JSON.Value) {
        guard let time = value["time"]?.string.flatMap(ConsensusTime.init(_:)),
            let index = value["index"]?.integer(in: .seq),
            let contract = value["contract"]?.string, let event = value["event"]?.string,
            let blockNumber = value["block"]?.integer(in: .seq), let blockHash = value["hash"]?.string,
            let transactionHash = value["tx"]?.string, let args = value["args"], args.kind == .object
        else { return nil }
        self.key = LogKey(time, index)
        self.contract = contract
        self.event = event
        self.blockNumber = blockNumber
        self.blockHash = blockHash
        self.transactionHash = transactionHash
        self.args = Array(args.text)
        self.moves = value["moves"]?.elements.compactMap { OwnedTransfer($0) } ?? []
    }

    func write(to writer: inout JSON.Writer) {
        writer.beginObject()
        writer.member("time", string: self.key.time.description)
        writer.member("index", integer: self.key.index)
        writer.member("contract", string: self.contract)
        writer.member("event", string: self.event)
        writer.member("block", integer: self.blockNumber)
        writer.member("hash", string: self.blockHash)
        writer.member("tx", string: self.transactionHash)
        writer.member("args", raw: self.args)
        if !self.moves.isEmpty {
            writer.name("moves")
            writer.beginArray()
            for move in self.moves { move.write(to: &writer) }
            writer.endArray()
        }
        writer.endObject()
    }

    /// Whether both have the same content, regardless of who owns the wallets now.
    func says(_ other: MirrorFact) -> Bool {
        (self.event, self.blockNumber, self.blockHash, self.transactionHash, self.args)
            == (other.event, other.blockNumber, other.blockHash, other.transactionHash, other.args)
    }
}
