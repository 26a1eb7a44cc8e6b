// SPDX-License-Identifier: Apache-2.0

/// The balance of an account in one currency.
public struct BalanceUpdate: EventContent {
    /// The name of the event type.
    public static let type = "balanceUpdate"

    /// Whose account it is.
    public var userID: String
    /// A decimal string.
    public var balance: String
    /// USD where the publisher left it out.
    public var currency: String
    /// A decimal string.
    public var available: String?
    /// The wallet.
    public var walletID: String?
    /// Counts the changes of the balance.
    public var version: Int?

    /// Reads the fields.
    public init(_ data: EventData) throws(EventData.Unreadable) {
        self.userID = data["userId"] ?? data.event.key
        self.balance = try data.required("balance")
        self.currency = data["currency"] ?? "USD"
        self.available = data["available"]
        self.walletID = data["walletId"]
        self.version = data.integer("version")
    }
}
