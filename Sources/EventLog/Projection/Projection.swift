// SPDX-License-Identifier: Apache-2.0

/// The current state that the events of a type describe: which rows besides the log they update.
///
/// A projection is a pure function of a channel's entries in sequence order, so the expected rows can be computed from
/// the log. Every row belongs to one channel: the wallets of `u_42` to `balanceUpdate:u_42`, the transactions to
/// `transactionUpdate:u_42`, a rate to `rateChange` of its pair. An event with several keys updates a row for each of
/// its channels, so all rows of a user can be found by the user's id.
package enum Projection: Sendable, CaseIterable {
    /// The wallets of the key: ``Wallet``.
    case balance
    /// The transactions of the key: ``Transaction``.
    case transaction
    /// The rate of the key, a currency pair: ``Rate``.
    case rate

    /// The fields that `data` must contain.
    private var needs: [Field] {
        switch self {
        case .balance: [Field("balance", .decimal, required: true)]
        case .rate: [Field("rate", .decimal, required: true)]
        case .transaction:
            [
                Field("type", .string, required: true),
                Field("amount", .decimal, required: true),
                Field("status", .string, required: true),
            ]
        }
    }

    /// Fields of `data` whose values are used as names in rows. Databases index them, so their length is limited, see
    /// ``RowKey/maxTextLength``.
    package var names: [String] {
        switch self {
        case .balance: ["currency", "walletId"]
        case .rate: ["exchange"]
        case .transaction:
            ["transactionId", "type", "status", "currency", "walletId", "recipientId", "pair", "side"]
        }
    }

    /// Whether a type with these fields guarantees what the projection needs.
    ///
    /// If a declaration replaces a built-in type and gives a required field another kind, or makes it optional, the
    /// events are delivered but not projected.
    package func isFed(by fields: [Field]) -> Bool {
        self.needs.allSatisfy { need in
            fields.contains { field in
                guard field.name == need.name, field.isRequired else { return false }
                if case .choice = field.kind { return need.kind == .string }
                return field.kind == need.kind
            }
        }
    }
}
