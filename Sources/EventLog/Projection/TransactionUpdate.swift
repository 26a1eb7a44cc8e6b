// SPDX-License-Identifier: Apache-2.0

import JSON

/// The content of one `transactionUpdate` entry, from the view of the channel's owner.
struct TransactionUpdate {
    let key: RowKey
    let type: String
    let amount: Amount
    let status: String
    let currency: String?
    /// The id of the wallet, if given.
    let wallet: String?
    let time: Timestamp
    let seq: Int
    /// Set for a `trade`.
    let trade: TradeOrder?
    /// Set for a `p2p` transfer that names the recipient.
    let recipient: String?

    init(_ data: ProjectedData, user: String, entry: TapeEntry) throws(ProjectedData.Unprojectable) {
        let recipient = try data.text("recipientId")
        let sender = try data.text("userId")
        let isRecipient =
            recipient?.hasSameBytes(as: user) ?? false && !(sender?.hasSameBytes(as: user) ?? false)
        let wallet = try data.text("walletId")
        self.key = RowKey(user: user, id: try ProjectedData.required(data.text("transactionId") ?? entry.id))
        self.type = try ProjectedData.required(data.text("type"))
        self.amount = try ProjectedData.required(data.amount("amount"))
        self.status = try ProjectedData.required(data.text("status"))
        self.currency = try data.text("currency")
        self.wallet = isRecipient ? nil : wallet
        self.time = entry.time
        self.seq = entry.seq
        self.recipient = self.type == "p2p" ? recipient : nil
        self.trade =
            self.type == "trade"
            ? TradeOrder(
                pair: try data.text("pair"),
                side: try data.text("side"),
                price: try data.amount("price"),
                filledAmount: try data.amount("filledAmount")
            ) : nil
    }
}
