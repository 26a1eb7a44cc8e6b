// SPDX-License-Identifier: Apache-2.0

import JSON

/// Reads the projected rows of a tape. Results are never older than the last append that has returned.
///
/// For implementers:
/// - Rows are written by ``Tape/append(_:)`` in the transaction of the events, see ``ProjectionBatch``.
/// - Texts are compared and ordered by their bytes (`COLLATE "C"` in Postgres), times by whole nanoseconds.
/// - The cost of a page depends on its length, not on its distance from the beginning; only the filters on type and
///   status may scan further rows of the user.
package protocol Projections: Sendable {
    /// Number of entries since the tape was opened whose content changed no row.
    var skipped: Int { get }

    /// A user's wallets after an id, ascending by id; including those that only transactions refer to.
    func wallets(of user: String, after id: String?, limit: Int) async throws(TapeFault) -> [Wallet]

    func wallet(_ key: RowKey) async throws(TapeFault) -> Wallet?

    /// A user's transactions after a cursor, newest first: descending by ``Transaction/createdAt``, then id.
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

/// Selects transactions; nil matches any.
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

/// A position in a user's transactions, directly after one of them.
///
/// An update that makes a transaction older moves it, so a client that is paging at that time may see it twice or not
/// at all.
package struct TransactionCursor: Sendable, Equatable, CustomStringConvertible {
    package var createdAt: Timestamp
    package var id: String

    package init(after transaction: Transaction) {
        self.createdAt = transaction.createdAt
        self.id = transaction.key.id
    }

    /// Nil unless the text is a ``description``.
    package init?(_ text: String) {
        guard let dot = text.utf8.firstIndex(of: UInt8(ascii: ".")),
            let time = Int(decimal: text[..<dot], in: .unlimited)
        else { return nil }
        self.createdAt = Timestamp(nanoseconds: Int64(clamping: time))
        self.id = String(text[text.utf8.index(after: dot)...])
        guard RowKey.isText(self.id), self.description.hasSameBytes(as: text) else { return nil }
    }

    /// The text that clients send back to continue from this position.
    package var description: String { "\(self.createdAt.nanoseconds).\(self.id)" }
}
