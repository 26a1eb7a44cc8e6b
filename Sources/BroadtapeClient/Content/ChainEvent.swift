// SPDX-License-Identifier: Apache-2.0

/// One log of a contract, or that it was undone.
public struct ChainEvent: EventContent {
    /// The name of the event type.
    public static let type = "chainEvent"

    /// The address of the contract.
    public var contract: String
    /// The name of the chain.
    public var chain: String
    /// The name of the log, such as `Transfer`.
    public var event: String
    /// The height of its block.
    public var blockNumber: Int
    /// The hash of its block.
    public var blockHash: String
    /// The hash of its transaction.
    public var transactionHash: String
    /// Its index in the block.
    public var logIndex: Int
    /// `seen`, `confirmed` or `final`.
    public var level: String
    /// The decoded values as JSON text.
    public var arguments: [UInt8]?
    /// The id of the event that this one undoes.
    public var undoes: String?

    /// Reads the fields.
    public init(_ data: EventData) throws(EventData.Unreadable) {
        self.contract = data["contract"] ?? data.event.key
        self.chain = try data.required("chain")
        self.event = try data.required("event")
        self.blockNumber = try data.requiredInteger("blockNumber")
        self.blockHash = try data.required("blockHash")
        self.transactionHash = try data.required("transactionHash")
        self.logIndex = try data.requiredInteger("logIndex")
        self.level = try data.required("level")
        self.arguments = data.json("args")
        self.undoes = data["undoes"]
    }
}
