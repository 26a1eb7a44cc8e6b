// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A block, which on Hedera is a file of some seconds' transactions.
package struct MirrorBlock: Sendable, Equatable {
    package var number: Int
    package var hash: String
    /// The last consensus time that it has.
    package var end: ConsensusTime

    package init(number: Int, hash: String, end: ConsensusTime) {
        self.number = number
        self.hash = hash
        self.end = end
    }

    /// Reads one block.
    package init(_ value: JSON.Value) throws(NodeFault) {
        guard let number = value["number"]?.integer(in: .seq),
            let hash = value["hash"]?.string.flatMap(Hex.bytes), hash.count == 48,
            let end = value["timestamp"]?["to"]?.string.flatMap(ConsensusTime.init(_:))
        else { throw .again("a block lacks its number, hash or timestamp") }
        self.init(number: number, hash: Hex.text(hash), end: end)
    }

    /// Reads the answer to ``MirrorPath/newestBlock``.
    package init(newest value: JSON.Value) throws(NodeFault) {
        guard let list = value["blocks"], list.kind == .array else { throw .again("the answer lacks \"blocks\"") }
        guard let first = list.elements.first(where: { _ in true }) else { throw .again("the mirror has no block yet") }
        try self.init(first)
    }
}
