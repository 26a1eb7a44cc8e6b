// SPDX-License-Identifier: Apache-2.0

package import JSON

/// Identifies a log of a network, and orders logs: consensus time, then index in the transaction.
package struct LogKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let time: ConsensusTime
    package let index: Int

    package init(_ time: ConsensusTime, _ index: Int) {
        self.time = time
        self.index = index
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.time, left.index) < (right.time, right.index)
    }

    package var description: String {
        "\(self.time):\(self.index)"
    }
}

/// One log of a contract, in the form of a mirror node.
package struct MirrorLog: Sendable, Equatable {
    package var key: LogKey
    package var address: Address
    /// Nil if the mirror does not report it.
    package var contract: EntityID?
    package var topics: [Hash256]
    package var data: [UInt8]
    package var blockNumber: Int
    /// 48 bytes, in hexadecimal.
    package var blockHash: String
    /// 32 or 48 bytes, in hexadecimal.
    package var transactionHash: String

    package init(
        key: LogKey,
        address: Address,
        contract: EntityID?,
        topics: [Hash256],
        data: [UInt8],
        blockNumber: Int,
        blockHash: String,
        transactionHash: String
    ) {
        self.key = key
        self.address = address
        self.contract = contract
        self.topics = topics
        self.data = data
        self.blockNumber = blockNumber
        self.blockHash = blockHash
        self.transactionHash = transactionHash
    }

    /// Parses one row. A mirror that is asked too early returns incomplete rows, and may be missing more.
    package init(_ value: JSON.Value) throws(NodeFault) {
        guard let time = value["timestamp"]?.string.flatMap(ConsensusTime.init(_:)),
            let address = value["address"]?.string.flatMap(Hex.bytes).flatMap(Address.init(bytes:)),
            let list = value["topics"], list.kind == .array
        else { throw .again("a log is missing its timestamp, address or topics") }
        guard let index = value["index"]?.integer(in: 0...Int(Int32.max)),
            let blockNumber = value["block_number"]?.integer(in: .seq),
            let blockHash = value["block_hash"]?.string.flatMap(Hex.bytes), blockHash.count == 48,
            let transactionHash = value["transaction_hash"]?.string.flatMap(Hex.bytes),
            transactionHash.count == 32 || transactionHash.count == 48
        else { throw .again("the log of \(time) is not complete yet: no index, block or transaction") }
        var topics: [Hash256] = []
        for element in list.elements {
            guard let topic = element.string.flatMap(Hash256.init(_:)) else { throw .again("a topic is not 32 bytes") }
            topics.append(topic)
        }
        var data: [UInt8] = []
        if let text = value["data"], !text.isNull {
            guard let bytes = text.string.flatMap(Hex.bytes) else { throw .again("a log's data is not hexadecimal") }
            data = bytes
        }
        self.init(
            key: LogKey(time, index),
            address: address,
            contract: value["contract_id"]?.string.flatMap(EntityID.init(_:)),
            topics: topics,
            data: data,
            blockNumber: blockNumber,
            blockHash: Hex.text(blockHash),
            transactionHash: Hex.text(transactionHash)
        )
    }

    /// The form written to the dead letters.
    package var json: [UInt8] {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("address", string: self.address.description)
        if let contract { writer.member("contract_id", string: contract.description) }
        writer.name("topics")
        writer.beginArray()
        for topic in self.topics { writer.string(topic.description) }
        writer.endArray()
        writer.member("data", string: Hex.text(self.data))
        writer.member("index", integer: self.key.index)
        writer.member("block_number", integer: self.blockNumber)
        writer.member("block_hash", string: self.blockHash)
        writer.member("transaction_hash", string: self.transactionHash)
        writer.member("timestamp", string: self.key.time.description)
        writer.endObject()
        return writer.bytes
    }
}
