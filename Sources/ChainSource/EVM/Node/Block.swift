// SPDX-License-Identifier: Apache-2.0

package import JSON

/// The header of a block, as far as it is needed.
package struct Block: Sendable, Equatable {
    package var number: Int
    package var hash: Hash256
    package var parentHash: Hash256
    package var bloom: Bloom

    package init(number: Int, hash: Hash256, parentHash: Hash256, bloom: Bloom) {
        self.number = number
        self.hash = hash
        self.parentHash = parentHash
        self.bloom = bloom
    }

    /// Parses a node's answer.
    package init(_ value: JSON.Value) throws(NodeFault) {
        guard let number = value["number"]?.string.flatMap({ Hex.integer($0, in: .seq) }),
            let hash = value["hash"]?.string.flatMap(Hash256.init(_:)),
            let parentHash = value["parentHash"]?.string.flatMap(Hash256.init(_:)),
            let bloom = value["logsBloom"]?.string.flatMap(Hex.bytes).flatMap(Bloom.init(bytes:))
        else { throw .again("a block is missing its number, hash, parentHash or logsBloom") }
        self.init(number: number, hash: hash, parentHash: parentHash, bloom: bloom)
    }
}

/// One log of a block.
package struct Log: Sendable, Equatable {
    package var address: Address
    package var topics: [Hash256]
    package var data: [UInt8]
    package var blockNumber: Int
    package var blockHash: Hash256
    package var transactionHash: Hash256
    /// Index of the log in the block.
    package var index: Int
    package var isRemoved: Bool

    package init(
        address: Address,
        topics: [Hash256],
        data: [UInt8],
        blockNumber: Int,
        blockHash: Hash256,
        transactionHash: Hash256,
        index: Int,
        isRemoved: Bool = false
    ) {
        self.address = address
        self.topics = topics
        self.data = data
        self.blockNumber = blockNumber
        self.blockHash = blockHash
        self.transactionHash = transactionHash
        self.index = index
        self.isRemoved = isRemoved
    }

    /// Parses one element of a node's answer.
    package init(_ value: JSON.Value) throws(NodeFault) {
        guard let address = value["address"]?.string.flatMap(Hex.bytes).flatMap(Address.init(bytes:)),
            let data = value["data"]?.string.flatMap(Hex.bytes),
            let blockNumber = value["blockNumber"]?.string.flatMap({ Hex.integer($0, in: .seq) }),
            let blockHash = value["blockHash"]?.string.flatMap(Hash256.init(_:)),
            let transactionHash = value["transactionHash"]?.string.flatMap(Hash256.init(_:)),
            let index = value["logIndex"]?.string.flatMap({ Hex.integer($0, in: .seq) }),
            let list = value["topics"], list.kind == .array
        else { throw .again("a log is missing its address, topics, data, block, transaction or logIndex") }
        var topics: [Hash256] = []
        for element in list.elements {
            guard let topic = element.string.flatMap(Hash256.init(_:)) else { throw .again("a topic is not 32 bytes") }
            topics.append(topic)
        }
        self.init(
            address: address,
            topics: topics,
            data: data,
            blockNumber: blockNumber,
            blockHash: blockHash,
            transactionHash: transactionHash,
            index: index,
            isRemoved: value["removed"]?.bool ?? false
        )
    }

    /// Parses a node's answer to `eth_getLogs`.
    package static func list(_ value: JSON.Value) throws(NodeFault) -> [Log] {
        guard value.kind == .array else { throw .again("the answer to eth_getLogs is not an array") }
        var logs: [Log] = []
        for element in value.elements { logs.append(try Log(element)) }
        return logs
    }

    /// Parses a node's answer to `eth_getBlockReceipts`.
    package static func ofReceipts(_ value: JSON.Value) throws(NodeFault) -> [Log] {
        guard value.kind == .array else { throw .again("the answer to eth_getBlockReceipts is not an array") }
        var logs: [Log] = []
        for receipt in value.elements {
            guard let list = receipt["logs"], list.kind == .array else { throw .again("a receipt is missing its logs") }
            for element in list.elements { logs.append(try Log(element)) }
        }
        return logs
    }

    /// The form written to the dead letters.
    package var json: [UInt8] {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("address", string: self.address.description)
        writer.name("topics")
        writer.beginArray()
        for topic in self.topics { writer.string(topic.description) }
        writer.endArray()
        writer.member("data", string: Hex.text(self.data))
        writer.member("blockNumber", string: Hex.quantity(self.blockNumber))
        writer.member("blockHash", string: self.blockHash.description)
        writer.member("transactionHash", string: self.transactionHash.description)
        writer.member("logIndex", string: Hex.quantity(self.index))
        writer.endObject()
        return writer.bytes
    }
}
