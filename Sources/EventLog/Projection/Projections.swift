// SPDX-License-Identifier: Apache-2.0

import JSON

/// The reading of what a tape projects: never older than the newest append that has returned.
///
/// For implementers:
/// - Rows are written by ``Tape/append(_:)`` in the transaction of the events, see ``ProjectionBatch``.
/// - Texts are compared and ordered by their bytes (`COLLATE "C"` in Postgres), times by whole nanoseconds.
/// - A page costs by its length, not by how far it lies from the beginning; only the filters on type and status may
///   pass over rows of the user.
package protocol Projections: Sendable {
    /// Entries since the tape was opened that changed no row because of what was in them.
    var skipped: Int { get }

    /// A user's wallets after an id, ascending by id; with those that only transactions have named.
    func wallets(of user: String, after id: String?, limit: Int) async throws(TapeFault) -> [Wallet]

    func wallet(_ key: RowKey) async throws(TapeFault) -> Wallet?

    /// A user's transactions that come after a place, newest first: descending by ``Transaction/createdAt``, then id.
    func transactions(
        of user: String,
        matching filter: TransactionFilter,
        after cursor: TransactionCursor?,
        limit: Int
    ) async throws(TapeFault) -> [Transaction]

    func transaction(_ key: RowKey) async throws(TapeFault) -> Transaction?

    func rate(of pair: String) async throws(TapeFault) -> Rate?

    /// The rates after a pair, ascending by pair.
    func rates(after pair: String?, limit: Int) async throws(TapeFault) -> [Rate]

    /// The users after an id, ascending by id.
    func users(after id: String?, limit: Int) async throws(TapeFault) -> [User]
}

/// Which transactions are wanted; nil means any.
package struct TransactionFilter: Sendable, Equatable {
    package var wallet: String?
    package var type: String?
    package var status: String?

    package init(wallet: String? = nil, type: String? = nil, status: String? = nil) {
        self.wallet = wallet
        self.type = type
        self.status = status
    }
}

/// A place in a user's transactions, right after one of them.
///
/// A transaction that an update makes older moves, so it may be met twice or not at all by whoever pages at that time.
package struct TransactionCursor: Sendable, Equatable, CustomStringConvertible {
    package var createdAt: Timestamp
    package var id: String

    package init(after transaction: Transaction) {
        self.createdAt = transaction.createdAt
        self.id = transaction.key.id
    }

    /// Nil unless ``description`` wrote it.
    package init?(_ text: String) {
        guard let dot = text.utf8.firstIndex(of: UInt8(ascii: ".")),
            let time = Int(decimal: text[..<dot], in: .unlimited)
        else { return nil }
        self.createdAt = Timestamp(nanoseconds: Int64(clamping: time))
        self.id = String(text[text.utf8.index(after: dot)...])
        guard RowKey.isText(self.id), self.description.hasSameBytes(as: text) else { return nil }
    }

    /// What clients hand back to go on from there.
    package var description: String { "\(self.createdAt.nanoseconds).\(self.id)" }
}
