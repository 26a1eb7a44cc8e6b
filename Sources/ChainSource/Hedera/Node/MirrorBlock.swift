// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A block; on Hedera, a record file with a few seconds of transactions.
package struct MirrorBlock: Sendable, Equatable {
    package var number: Int
    package var hash: String
    /// Last consensus time in the block.
    package var end: ConsensusTime
    /// First consensus time in the block, if the mirror reports it.
    package var begin: ConsensusTime?

    package init(number: Int, hash: String, end: ConsensusTime, begin: ConsensusTime? = nil) {
        self.number = number
        self.hash = hash
        self.end = end
        self.begin = begin
    }

    /// Parses one block.
    package init(_ value: JSON.Value) throws(NodeFault) {
        guard let number = value["number"]?.integer(in: .seq),
            let hash = value["hash"]?.string.flatMap(Hex.bytes), hash.count == 48,
            let end = value["timestamp"]?["to"]?.string.flatMap(ConsensusTime.init(_:))
        else { throw .again("a block is missing its number, hash or timestamp") }
        let begin = value["timestamp"]?["from"]?.string.flatMap(ConsensusTime.init(_:))
        self.init(number: number, hash: Hex.text(hash), end: end, begin: begin)
    }

    /// Parses the answer to ``MirrorPath/newestBlock`` or ``MirrorPath/oldestBlock``.
    package init(first value: JSON.Value) throws(NodeFault) {
        guard let list = value["blocks"], list.kind == .array else { throw .again("the answer has no \"blocks\"") }
        guard let first = list.elements.first(where: { _ in true }) else { throw .again("the mirror has no block yet") }
        try self.init(first)
    }
}
