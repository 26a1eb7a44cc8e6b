// SPDX-License-Identifier: Apache-2.0

/// What the events of a type say about the present: which rows beside the log they change.
///
/// A projection is a pure function of a channel's entries in the order of their numbers, so whoever has the log can
/// tell what the rows must be. Every row belongs to one channel: the wallets of `u_42` to `balanceUpdate:u_42`, the
/// transactions to `transactionUpdate:u_42`, a rate to `rateChange` of its pair. An event with several keys changes a
/// row on each of its channels, so a user's rows are found by the user alone.
package enum Projection: Sendable, CaseIterable {
    /// The key's wallets: ``Wallet``.
    case balance
    /// The key's transactions: ``Transaction``.
    case transaction
    /// The rate of the key, a pair: ``Rate``.
    case rate

    /// What `data` must hold.
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

    /// Fields of `data` that name things in rows, where databases index them: their length is bounded, see
    /// ``RowKey/maxTextLength``.
    package var names: [String] {
        switch self {
        case .balance: ["currency", "walletId"]
        case .rate: ["exchange"]
        case .transaction:
            ["transactionId", "type", "status", "currency", "walletId", "recipientId", "pair", "side"]
        }
    }

    /// Whether a type with these fields makes sure of what the projection needs.
    ///
    /// A declaration that gives a built-in type's needed field another kind, or no longer requires it, makes it another
    /// type of event: it is passed on but not projected.
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
