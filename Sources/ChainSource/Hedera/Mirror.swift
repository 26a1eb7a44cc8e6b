// SPDX-License-Identifier: Apache-2.0

/// A Hedera network read through mirror nodes, and which of its events are published, as configured by the operator.
package struct Mirror: Sendable {
    /// Name of the source: `chain:NAME`.
    package var name: String
    package var contracts: [ContractName: [Chain.WantedEvent]]
    package var topics: Set<EntityID>
    /// First consensus time that is read.
    package var start = ConsensusTime(nanoseconds: 0)
    /// How late a log may appear, in consensus time. A log this far behind the newest block becomes final.
    package var settle: Duration = .seconds(60)
    /// Delays after which a time range is read again, ascending. Finds logs that a mirror left out of an answer.
    package var rereads: [Duration] = [.seconds(3_600), .seconds(86_400)]
    /// Levels that are published. ``Chain/Level/seen`` is never published, because Hedera has no reorganisations.
    package var levels: Set<Chain.Level> = [.confirmed, .final]
    /// Maximum number of logs per contract whose keys are kept until their last reread. Beyond it the oldest logs are
    /// not read again.
    package var remembered = 200_000

    package init(name: String, contracts: [ContractName: [Chain.WantedEvent]] = [:], topics: Set<EntityID> = []) {
        self.name = name
        self.contracts = contracts
        self.topics = topics
    }

    package var source: String {
        "chain:\(self.name)"
    }

    /// Event types that this source publishes.
    package var eventTypes: [String] {
        let moves = self.contracts.values.joined().flatMap(\.moves)
        var types: Set<String> = self.contracts.isEmpty ? [] : ["chainEvent"]
        if !self.topics.isEmpty { types.insert("topicMessage") }
        if moves.contains(where: { $0.kind == .transaction }) { types.insert("transactionUpdate") }
        if moves.contains(where: { $0.kind == .balance }) { types.insert("balanceUpdate") }
        return types.sorted()
    }

    /// The event that a log belongs to; nil when it is not followed.
    func wanted(_ log: MirrorLog, of contract: ContractName) -> Chain.WantedEvent? {
        guard let topic = log.topics.first else { return nil }
        return self.contracts[contract]?.first { $0.signature.topic == topic }
    }

    /// Identifies a set of events of a contract.
    func digest(of contract: ContractName) -> String {
        let topics = self.contracts[contract, default: []].map(\.signature.topic.description).sorted()
        return Keccak256.digest(topics.joined(separator: "\n").utf8).description
    }
}
