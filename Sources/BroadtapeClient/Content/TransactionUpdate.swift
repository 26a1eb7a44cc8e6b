// SPDX-License-Identifier: Apache-2.0

/// The state of one transaction.
public struct TransactionUpdate: EventContent {
    /// The name of the event type.
    public static let type = "transactionUpdate"

    /// `trade`, `p2p`, `deposit`, `withdrawal`, or any other.
    public var kind: String
    /// A decimal string.
    public var amount: String
    /// Its status, such as `pending`, `completed`, `reversed`.
    public var status: String
    /// The currency of the amount.
    public var currency: String?
    /// The event's id where the publisher left it out.
    public var transactionID: String
    /// The wallet.
    public var walletID: String?
    /// Of a trade: what is traded.
    public var pair: String?
    /// Of a trade: `buy` or `sell`.
    public var side: String?
    /// A decimal string.
    public var price: String?
    /// A decimal string.
    public var filledAmount: String?
    /// Of a transfer between users: the recipient.
    public var recipientID: String?
    /// The version of the balance that it led to.
    public var balanceVersion: Int?

    /// Reads the fields.
    public init(_ data: EventData) throws(EventData.Unreadable) {
        self.kind = try data.required("type")
        self.amount = try data.required("amount")
        self.status = try data.required("status")
        self.currency = data["currency"]
        self.transactionID = data["transactionId"] ?? data.event.id
        self.walletID = data["walletId"]
        self.pair = data["pair"]
        self.side = data["side"]
        self.price = data["price"]
        self.filledAmount = data["filledAmount"]
        self.recipientID = data["recipientId"]
        self.balanceVersion = data.integer("balanceVersion")
    }
}
