// SPDX-License-Identifier: Apache-2.0

import JSON

/// What a contract event means for the user who owns a wallet address in it.
package struct TransferRule: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        /// A `transactionUpdate` whose status follows the levels.
        case transaction
        /// A `balanceUpdate`, only at finality: an undo could not restore the previous balance.
        case balance
    }

    package var kind: Kind
    /// Name of the argument with the wallet address.
    package var owner: String
    /// Name of the argument with the amount or the balance.
    package var amount: String
    /// Number of decimal places of the amount's unit.
    package var decimals: Int
    /// `type` of the transaction: `deposit`, `investment` …
    package var type: String
    package var currency: String?
    package var walletID: String?

    package init(
        kind: Kind,
        owner: String,
        amount: String,
        decimals: Int = 0,
        type: String = "transaction",
        currency: String? = nil,
        walletID: String? = nil
    ) {
        self.kind = kind
        self.owner = owner
        self.amount = amount
        self.decimals = decimals
        self.type = type
        self.currency = currency
        self.walletID = walletID
    }

    /// Status of the transaction at a level.
    static func status(_ level: Chain.Level) -> String {
        switch level {
        case .seen: "pending"
        case .confirmed: "confirmed"
        case .final: "completed"
        }
    }

    static let undoneStatus = "reversed"
}

/// A ``TransferRule`` with the user that it belongs to.
struct OwnedTransfer: Sendable, Equatable {
    let kind: TransferRule.Kind
    let user: String
    /// Members of `data` that do not change with the level, as a JSON object.
    let data: [UInt8]

    init(kind: TransferRule.Kind, user: String, data: [UInt8]) {
        self.kind = kind
        self.user = user
        self.data = data
    }

    /// - Parameter fact: Identifies the log independently of its block.
    init?(_ move: TransferRule, _ values: [(name: String, value: DecodedValue)], fact: String, users: [Address: String])
    {
        func text(_ name: String) -> String? {
            guard case .text(let text) = values.first(where: { $0.name == name })?.value else { return nil }
            return text
        }
        guard let address = text(move.owner).flatMap({ Address($0) }), let user = users[address],
            let digits = text(move.amount)
        else { return nil }
        let amount = BigNumber.scaled(digits, places: move.decimals)
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("userId", string: user)
        switch move.kind {
        case .transaction:
            writer.member("transactionId", string: fact)
            writer.member("type", string: move.type)
            writer.member("amount", string: amount)
        case .balance:
            writer.member("balance", string: amount)
        }
        if let currency = move.currency { writer.member("currency", string: currency) }
        if let wallet = move.walletID { writer.member("walletId", string: wallet) }
        writer.endObject()
        self.init(kind: move.kind, user: user, data: writer.bytes)
    }

    init?(_ value: JSON.Value) {
        guard let kind = value["kind"]?.string.flatMap(TransferRule.Kind.init(rawValue:)),
            let user = value["user"]?.string, let data = value["data"], data.kind == .object
        else { return nil }
        self.init(kind: kind, user: user, data: Array(data.text))
    }

    func write(to writer: inout JSON.Writer) {
        writer.beginObject()
        writer.member("kind", string: self.kind.rawValue)
        writer.member("user", string: self.user)
        writer.member("data", raw: self.data)
        writer.endObject()
    }
}
