// SPDX-License-Identifier: Apache-2.0

/// An EVM chain and which of its logs are published, as configured by the operator.
package struct Chain: Sendable {
    /// How settled a log is. A later level implies the earlier ones.
    package enum Level: String, Sendable, CaseIterable, Comparable {
        /// In a block that may still be replaced by a reorganisation.
        case seen
        /// Still on the chain after a configured number of further blocks.
        case confirmed
        /// Final: not expected to be reverted.
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

    /// How finality is determined.
    package enum Finality: Sendable, Equatable {
        /// By the node's `finalized` tag.
        case tag
        /// A fixed number of blocks below the head.
        case depth(Int)
    }

    /// Whether the bloom filters in block headers can be trusted.
    package enum BloomUse: String, Sendable, CaseIterable {
        /// They match the logs exactly, so an answer with missing logs is detected.
        case exact
        /// They are not maintained, as on zkSync and Cronos.
        case off
    }

    /// An event of a contract, and the client events derived from it.
    package struct WantedEvent: Sendable {
        package var signature: EventSignature
        package var moves: [TransferRule]

        package init(signature: EventSignature, moves: [TransferRule] = []) {
            self.signature = signature
            self.moves = moves
        }
    }

    /// Name of the source: `chain:NAME`.
    package var name: String
    /// Expected chain id. Nil accepts any id on the first start.
    package var chainID: Int?
    /// First block whose logs are read.
    package var start = 0
    package var finality = Finality.tag
    /// Number of blocks on top of a block that make it confirmed.
    package var confirmations = 5
    /// Levels that are published.
    package var levels = Set(Level.allCases)
    package var bloom = BloomUse.exact
    /// Number of blocks in the first range, and in any range.
    package var firstSpan = 50
    package var maxSpan = 10_000
    /// Number of blocks below finality that are kept together with their published events, so that an operator can undo
    /// them if finality is violated.
    package var remembered = 256
    package var contracts: [Address: [WantedEvent]]

    package init(name: String, contracts: [Address: [WantedEvent]]) {
        self.name = name
        self.contracts = contracts
    }

    package var source: String {
        "chain:\(self.name)"
    }

    /// Event types that this source publishes.
    package var types: [String] {
        let moves = Set(self.contracts.values.joined().flatMap(\.moves).map(\.kind))
        return ["chainEvent"] + (moves.contains(.transaction) ? ["transactionUpdate"] : [])
            + (moves.contains(.balance) ? ["balanceUpdate"] : [])
    }

    /// The filter sent to the node.
    package var filter: LogFilter {
        LogFilter(
            addresses: self.contracts.keys.sorted { $0.description < $1.description },
            topics: Set(self.contracts.values.joined().map(\.signature.topic)).sorted {
                $0.description < $1.description
            }
        )
    }

    /// The event that a log belongs to; nil when it is not followed.
    package func wanted(_ log: Log) -> WantedEvent? {
        guard let topic = log.topics.first else { return nil }
        return self.contracts[log.address]?.first { $0.signature.topic == topic }
    }

    /// Identifies a set of contracts and events.
    package var contractsDigest: String {
        let lines = self.contracts.flatMap { address, events in
            events.map { "\(address) \($0.signature.topic)" }
        }
        return Keccak256.digest(lines.sorted().joined(separator: "\n").utf8).description
    }
}
