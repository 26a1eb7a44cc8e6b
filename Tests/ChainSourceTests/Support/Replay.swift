// SPDX-License-Identifier: Apache-2.0

import ChainSource
import EventLog
import JSON

/// What a subscriber knows who has read all events, and what was wrong with them.
struct Replay {
    struct Standing: Equatable {
        var id: String
        var level: Chain.Level
        var blockNumber: Int
        var transactionHash: String
        var args: String
    }

    /// By block hash and log index.
    private(set) var facts: [String: Standing] = [:]
    private(set) var faults: [String] = []
    private(set) var undone = 0
    private var ids: Set<String> = []

    init(_ events: some Sequence<SourceEvent>) {
        for event in events where event.type == "chainEvent" { self.take(event) }
    }

    private mutating func take(_ event: SourceEvent) {
        guard self.ids.insert(event.id).inserted else { return self.faults.append("\(event.id) came twice") }
        guard let data = try? JSON.Value.parse(event.data), let hash = data["blockHash"]?.string,
            let index = data["logIndex"]?.integer(in: .seq), let number = data["blockNumber"]?.integer(in: .seq),
            let level = data["level"]?.string.flatMap(Chain.Level.init(rawValue:)),
            let transaction = data["transactionHash"]?.string, let args = data["args"]
        else { return self.faults.append("\(event.id) lacks something") }
        let key = "\(hash) \(index)"
        let standing = self.facts[key]
        if let undoes = data["undoes"]?.string {
            guard let standing, standing.id == undoes else {
                return self.faults.append("\(event.id) undoes \(undoes), which is not published")
            }
            if standing.level == .final { self.faults.append("\(event.id) undoes what was final") }
            self.facts[key] = nil
            self.undone += 1
        } else if let standing {
            if standing.level >= level { self.faults.append("\(event.id) is published again") }
            self.facts[key]?.level = level
        } else {
            self.facts[key] = Standing(
                id: event.id,
                level: level,
                blockNumber: number,
                transactionHash: transaction,
                args: String(decoding: args.text, as: UTF8.self)
            )
        }
    }

    /// What is wrong compared with the logs that the chain has.
    func differences(from truth: [Log]) -> [String] {
        var rest = self.facts
        var differences = self.faults
        for log in truth {
            let key = "\(log.blockHash) \(log.index)"
            guard let standing = rest.removeValue(forKey: key) else {
                differences.append("log \(log.index) of block \(log.blockNumber) was not published")
                continue
            }
            if standing.blockNumber != log.blockNumber || standing.transactionHash != log.transactionHash.description {
                differences.append("log \(log.index) of block \(log.blockNumber) was published with wrong content")
            }
        }
        for standing in rest.values { differences.append("\(standing.id) is published, but is not on the chain") }
        return differences
    }
}
