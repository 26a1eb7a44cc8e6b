// SPDX-License-Identifier: Apache-2.0

/// A Hedera network behind mirror nodes, and what of it is wanted, as the operator says.
package struct Mirror: Sendable {
    /// Names the source: `chain:NAME`.
    package var name: String
    package var contracts: [ContractName: [Chain.WantedEvent]]
    package var topics: Set<EntityID>
    /// The first consensus time that is wanted.
    package var start = ConsensusTime(nanoseconds: 0)
    /// How long logs may come late, in consensus time: so far behind the newest block a log becomes final.
    package var settle: Duration = .seconds(60)
    /// How long after it was read a stretch of time is read again, ascending. Finds what a mirror left out of an answer.
    package var rereads: [Duration] = [.seconds(3_600), .seconds(86_400)]
    /// The levels that events are made for; ``Chain/Level/seen`` is never told, as there are no reorganisations.
    package var levels: Set<Chain.Level> = [.confirmed, .final]
    /// Logs of one contract whose names are remembered until they have been read for the last time. Beyond it the
    /// oldest are not read again.
    package var remembered = 200_000

    package init(name: String, contracts: [ContractName: [Chain.WantedEvent]] = [:], topics: Set<EntityID> = []) {
        self.name = name
        self.contracts = contracts
        self.topics = topics
    }

    package var source: String {
        "chain:\(self.name)"
    }

    /// The event types that it feeds.
    package var eventTypes: [String] {
        let moves = self.contracts.values.joined().flatMap(\.moves)
        var types: Set<String> = self.contracts.isEmpty ? [] : ["chainEvent"]
        if !self.topics.isEmpty { types.insert("topicMessage") }
        if moves.contains(where: { $0.kind == .transaction }) { types.insert("transactionUpdate") }
        if moves.contains(where: { $0.kind == .balance }) { types.insert("balanceUpdate") }
        return types.sorted()
    }

    /// The event that a log is of, if it is wanted.
    func wanted(_ log: MirrorLog, of contract: ContractName) -> Chain.WantedEvent? {
        guard let topic = log.topics.first else { return nil }
        return self.contracts[contract]?.first { $0.signature.topic == topic }
    }

    /// Tells one set of events of a contract from another.
    func digest(of contract: ContractName) -> String {
        let topics = self.contracts[contract, default: []].map(\.signature.topic.description).sorted()
        return Keccak256.digest(topics.joined(separator: "\n").utf8).description
    }
}
