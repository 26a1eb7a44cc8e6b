// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A call to an EVM node (Ethereum JSON-RPC).
package enum RPCCall: Sendable, Equatable {
    case chainID
    case block(BlockName)
    case blockByHash(Hash256)
    case logsInRange(ClosedRange<Int>, LogFilter)
    /// Without a filter, all logs of the block.
    case logsOfBlock(Hash256, LogFilter?)
    /// All logs of a block, read from its receipts, with a separate size limit.
    case receiptsOfBlock(Hash256)

    package enum BlockName: Sendable, Equatable {
        case number(Int)
        case latest
        case finalized

        var text: String {
            switch self {
            case .number(let number): Hex.quantity(number)
            case .latest: "latest"
            case .finalized: "finalized"
            }
        }
    }

    /// Whether the size of the answer is unbounded.
    var isForLogs: Bool {
        switch self {
        case .logsInRange, .logsOfBlock, .receiptsOfBlock: true
        case .chainID, .block, .blockByHash: false
        }
    }

    package var method: String {
        switch self {
        case .chainID: "eth_chainId"
        case .block: "eth_getBlockByNumber"
        case .blockByHash: "eth_getBlockByHash"
        case .logsInRange, .logsOfBlock: "eth_getLogs"
        case .receiptsOfBlock: "eth_getBlockReceipts"
        }
    }

    /// Writes the array of parameters.
    package func writeParameters(to writer: inout JSON.Writer) {
        writer.beginArray()
        switch self {
        case .chainID:
            break
        case .block(let name):
            writer.string(name.text)
            writer.bool(false)
        case .blockByHash(let hash):
            writer.string(hash.description)
            writer.bool(false)
        case .receiptsOfBlock(let hash):
            writer.string(hash.description)
        case .logsInRange(let range, let filter):
            writer.beginObject()
            writer.member("fromBlock", string: Hex.quantity(range.lowerBound))
            writer.member("toBlock", string: Hex.quantity(range.upperBound))
            filter.write(to: &writer)
            writer.endObject()
        case .logsOfBlock(let hash, let filter):
            writer.beginObject()
            writer.member("blockHash", string: hash.description)
            filter?.write(to: &writer)
            writer.endObject()
        }
        writer.endArray()
    }
}

/// Filter for logs: emitted by any of these contracts, with any of these first topics.
package struct LogFilter: Sendable, Equatable {
    package var addresses: [Address]
    package var topics: [Hash256]

    package init(addresses: [Address], topics: [Hash256]) {
        self.addresses = addresses
        self.topics = topics
    }

    /// Whether a log matches the filter.
    package func includes(_ log: Log) -> Bool {
        self.addresses.contains(log.address) && log.topics.first.map(self.topics.contains) ?? false
    }

    fileprivate func write(to writer: inout JSON.Writer) {
        writer.name("address")
        writer.beginArray()
        for address in self.addresses { writer.string(address.description) }
        writer.endArray()
        writer.name("topics")
        writer.beginArray()
        writer.beginArray()
        for topic in self.topics { writer.string(topic.description) }
        writer.endArray()
        writer.endArray()
    }
}
