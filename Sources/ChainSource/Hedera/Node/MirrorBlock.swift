// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A block, which on Hedera is a file of some seconds' transactions.
package struct MirrorBlock: Sendable, Equatable {
    package var number: Int
    package var hash: String
    /// The last consensus time that it has.
    package var end: ConsensusTime
    /// The first consensus time that it has, where the mirror says it.
    package var begin: ConsensusTime?

    package init(number: Int, hash: String, end: ConsensusTime, begin: ConsensusTime? = nil) {
        self.number = number
        self.hash = hash
        self.end = end
        self.begin = begin
    }

    /// Reads one block.
    package init(_ value: JSON.Value) throws(NodeFault) {
        guard let number = value["number"]?.integer, number >= 0,
            let hash = value["hash"]?.string.flatMap(Hex.bytes), hash.count == 48,
            let end = value["timestamp"]?["to"]?.string.flatMap(ConsensusTime.init(_:))
        else { throw .again("a block lacks its number, hash or timestamp") }
        let begin = value["timestamp"]?["from"]?.string.flatMap(ConsensusTime.init(_:))
        self.init(number: number, hash: Hex.text(hash), end: end, begin: begin)
    }

    /// Reads the answer to ``MirrorPath/newestBlock`` or ``MirrorPath/oldestBlock``.
    package init(first value: JSON.Value) throws(NodeFault) {
        guard let list = value["blocks"], list.kind == .array else { throw .again("the answer lacks \"blocks\"") }
        guard let first = list.elements.first(where: { _ in true }) else { throw .again("the mirror has no block yet") }
        try self.init(first)
    }
}
