// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// A decoded log of a followed event: the source of published events.
struct DecodedLog: Sendable, Equatable {
    let contract: String
    let event: String
    let transactionHash: String
    let logIndex: Int
    /// Identifies the log independently of its block: the transaction and the position among its followed logs. A
    /// reorganisation may change the index of a log in the block, but not the order within the transaction.
    let name: String
    /// A JSON object.
    let args: [UInt8]
    let moves: [OwnedTransfer]

    private init(
        contract: String,
        event: String,
        transactionHash: String,
        logIndex: Int,
        name: String,
        args: [UInt8],
        moves: [OwnedTransfer]
    ) {
        self.contract = contract
        self.event = event
        self.transactionHash = transactionHash
        self.logIndex = logIndex
        self.name = name
        self.args = args
        self.moves = moves
    }

    /// Decodes the followed logs of one block, in order; logs that cannot be decoded become dead letters.
    static func all(
        of logs: [Log],
        _ chain: Chain,
        users: [Address: String],
        now: Timestamp
    ) -> (facts: [DecodedLog], deadLetters: [DeadLetter]) {
        var facts: [DecodedLog] = []
        var deadLetters: [DeadLetter] = []
        var counts: [Hash256: Int] = [:]
        for log in logs.sorted(by: { $0.index < $1.index }) {
            guard let wanted = chain.wanted(log) else { continue }
            let place = counts[log.transactionHash, default: 0]
            counts[log.transactionHash] = place + 1
            do throws(UndecodableLog) {
                let values = try wanted.signature.decode(topics: log.topics, data: log.data)
                let name = "\(log.transactionHash):\(place)"
                facts.append(
                    DecodedLog(
                        contract: log.address.description,
                        event: wanted.signature.name,
                        transactionHash: log.transactionHash.description,
                        logIndex: log.index,
                        name: name,
                        args: Self.json(values),
                        moves: wanted.moves.enumerated().compactMap { index, move in
                            OwnedTransfer(move, values, fact: "\(chain.name):\(name):\(index)", users: users)
                        }
                    )
                )
            } catch {
                deadLetters.append(
                    DeadLetter(received: now, channel: chain.source, payload: log.json, reason: error.reason)
                )
            }
        }
        return (facts, deadLetters)
    }

    static func json(_ values: [(name: String, value: DecodedValue)]) -> [UInt8] {
        var writer = JSON.Writer()
        writer.beginObject()
        for (name, value) in values {
            switch value {
            case .text(let text): writer.member(name, string: text)
            case .bool(let bool): writer.member(name, bool: bool)
            }
        }
        writer.endObject()
        return writer.bytes
    }

    // MARK: Stored form

    init?(_ value: JSON.Value) {
        guard let contract = value["contract"]?.string, let event = value["event"]?.string,
            let transactionHash = value["tx"]?.string, let logIndex = value["index"]?.integer(in: .seq),
            let name = value["name"]?.string, let args = value["args"]
        else { return nil }
        self.init(
            contract: contract,
            event: event,
            transactionHash: transactionHash,
            logIndex: logIndex,
            name: name,
            args: Array(args.text),
            moves: value["moves"]?.elements.compactMap { OwnedTransfer($0) } ?? []
        )
    }

    func write(to writer: inout JSON.Writer) {
        writer.beginObject()
        writer.member("contract", string: self.contract)
        writer.member("event", string: self.event)
        writer.member("tx", string: self.transactionHash)
        writer.member("index", integer: self.logIndex)
        writer.member("name", string: self.name)
        writer.member("args", raw: self.args)
        if !self.moves.isEmpty {
            writer.name("moves")
            writer.beginArray()
            for move in self.moves { move.write(to: &writer) }
            writer.endArray()
        }
        writer.endObject()
    }
}
