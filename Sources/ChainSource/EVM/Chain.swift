// SPDX-License-Identifier: Apache-2.0

/// A chain and what of it is wanted, as the operator says.
package struct Chain: Sendable {
    /// How far a fact has come. A later level implies the earlier ones.
    package enum Level: String, Sendable, CaseIterable, Comparable {
        /// In a block, which may yet be replaced by another one.
        case seen
        /// Some blocks later still there.
        case confirmed
        /// For good.
        case final

        private var rank: Int {
            switch self {
            case .seen: 0
            case .confirmed: 1
            case .final: 2
            }
        }

        package static func < (left: Level, right: Level) -> Bool {
            left.rank < right.rank
        }
    }

    /// How finality is known.
    package enum Finality: Sendable, Equatable {
        /// The node says (`finalized`).
        case tag
        /// So many blocks below the head.
        case depth(Int)
    }

    /// What the bloom filters of blocks are worth.
    package enum BloomUse: String, Sendable, CaseIterable {
        /// They say exactly which logs a block has, so answers that lack some are found out.
        case exact
        /// They are not kept to, as on zkSync and Cronos.
        case off
    }

    /// An event of a contract, and what is made of it.
    package struct WantedEvent: Sendable {
        package var signature: EventSignature
        package var moves: [Move]

        package init(signature: EventSignature, moves: [Move] = []) {
            self.signature = signature
            self.moves = moves
        }
    }

    /// Names the source: `chain:NAME`.
    package var name: String
    /// Nil when any will do the first time.
    package var chainID: Int?
    /// The first block whose logs are wanted.
    package var start = 0
    package var finality = Finality.tag
    /// Blocks on top of a block from which on it is confirmed.
    package var confirmations = 5
    /// The levels that events are made for.
    package var levels = Set(Level.allCases)
    package var bloom = BloomUse.exact
    /// Blocks of the first range, and of any.
    package var firstSpan = 50
    package var maxSpan = 10_000
    /// Blocks below finality that are remembered with what was told of them, so that an operator can have it undone
    /// should finality have been none.
    package var remembered = 256
    package var contracts: [Address: [WantedEvent]]

    package init(name: String, contracts: [Address: [WantedEvent]]) {
        self.name = name
        self.contracts = contracts
    }

    package var source: String {
        "chain:\(self.name)"
    }

    /// The event types that it makes.
    package var types: [String] {
        let moves = Set(self.contracts.values.joined().flatMap(\.moves).map(\.kind))
        return ["chainEvent"] + (moves.contains(.transaction) ? ["transactionUpdate"] : [])
            + (moves.contains(.balance) ? ["balanceUpdate"] : [])
    }

    /// What the node is asked for.
    package var filter: LogFilter {
        LogFilter(
            addresses: self.contracts.keys.sorted { $0.description < $1.description },
            topics: Set(self.contracts.values.joined().map(\.signature.topic)).sorted {
                $0.description < $1.description
            }
        )
    }

    /// The event that a log is of, if it is wanted.
    package func wanted(_ log: Log) -> WantedEvent? {
        guard let topic = log.topics.first else { return nil }
        return self.contracts[log.address]?.first { $0.signature.topic == topic }
    }

    /// Tells one set of contracts and events from another.
    package var contractsDigest: String {
        let lines = self.contracts.flatMap { address, events in
            events.map { "\(address) \($0.signature.topic)" }
        }
        return Keccak256.digest(lines.sorted().joined(separator: "\n").utf8).description
    }
}
