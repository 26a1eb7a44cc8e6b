// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import HTTPTypes
import Hub
import Hummingbird
import HummingbirdCore
import JSON

/// `GET /wallets`, `/wallets/{id}`, `/transactions`: the current state derived from events.
///
/// Reading a user's rows needs permission to read the channel they are derived from; `user` names a user other than
/// the caller. Times are RFC 3339, amounts decimal strings, and unknown values are `null`.
extension API {
    private static let rowLimit = 1...1000
    private static let walletPrefix = "/wallets/"

    /// `{"user", "wallets": [{"id", "currency", "balance", "available", "version", "updatedAt", "seq"}], "next"}`,
    /// ascending by ID; pass `next` as `after` for the next page. `balance` is `null` if only transactions name the
    /// wallet.
    func wallets(_ request: Request) async throws(Problem) -> Response {
        let query = Query(request)
        let user = try await self.user(request, query, of: .balance)
        let after = try query.text("after")
        let limit = try query.number("limit", range: Self.rowLimit) ?? 100
        let rows = try self.rows()
        let page = try await self.read { () async throws(TapeFault) in
            try await rows.wallets(of: user, after: after, limit: limit + 1)
        }
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("user", string: user)
        writer.name("wallets")
        writer.beginArray()
        for wallet in page.prefix(limit) {
            writer.beginObject()
            writer.members(of: wallet)
            writer.endObject()
        }
        writer.endArray()
        writer.member("next", orNull: page.count > limit ? page[limit - 1].key.id : nil)
        writer.endObject()
        return self.answer(writer, to: request, .caller)
    }

    /// `{"user", "id", "currency", "balance", …}`.
    func wallet(_ request: Request) async throws(Problem) -> Response {
        let query = Query(request)
        let user = try await self.user(request, query, of: .balance)
        let raw = String(request.uri.path.rest(after: Self.walletPrefix) ?? "")
        let id = raw.removingPercentEncoding ?? raw
        let rows = try self.rows()
        var found: Wallet?
        if RowKey.isText(id) {
            found = try await self.read { () async throws(TapeFault) in
                try await rows.wallet(RowKey(user: user, id: id))
            }
        }
        guard let found else {
            throw Problem(.notFound, code: "not_found", "\(user) has no wallet \(id)")
        }
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("user", string: user)
        writer.members(of: found)
        writer.endObject()
        return self.answer(writer, to: request, .caller)
    }

    /// `{"user", "transactions": [{"id", "type", "amount", "status", "currency", "wallet", "createdAt", "updatedAt",
    /// "seq"}], "next"}`, newest first; a trade has `"trade": {"pair", "side", "price", "filledAmount"}`, a transfer
    /// `"transfer": {"recipient", "wallet"}`.
    func transactions(_ request: Request) async throws(Problem) -> Response {
        let query = Query(request)
        let user = try await self.user(request, query, of: .transaction)
        let filter = TransactionFilter(
            wallet: try query.text("wallet"),
            type: try query.text("type"),
            status: try query.text("status")
        )
        let cursor = try query.cursor("after")
        let limit = try query.number("limit", range: Self.rowLimit) ?? 100
        let rows = try self.rows()
        let page = try await self.read { () async throws(TapeFault) in
            try await rows.transactions(of: user, matching: filter, after: cursor, limit: limit + 1)
        }
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("user", string: user)
        writer.name("transactions")
        writer.beginArray()
        for transaction in page.prefix(limit) {
            writer.transaction(transaction)
        }
        writer.endArray()
        let next = page.count > limit ? TransactionCursor(after: page[limit - 1]).description : nil
        writer.member("next", orNull: next)
        writer.endObject()
        return self.answer(writer, to: request, .caller)
    }

    // MARK: Shared helpers

    /// The user whose rows are requested, if the caller may read them.
    private func user(
        _ request: Request,
        _ query: Query,
        of projection: Projection
    ) async throws(Problem) -> String {
        let principal = try await self.principal(of: request)
        guard let user = query["user"] ?? principal?.subject else {
            throw Problem(MessageFault(.notAuthenticated, "this needs a token: it returns the caller's own data"))
        }
        guard ChannelName.isValidKey(user) else {
            throw Problem(.badRequest, code: ErrorCode.badRequest.rawValue, "\"user\" is not the name of a user")
        }
        try self.checkReading(of: projection, key: user, by: principal)
        return user
    }

    @discardableResult
    func checkReading(
        of projection: Projection,
        key: String,
        by principal: Principal?
    ) throws(Problem) -> EventType {
        guard let type = self.hub.types.all.first(where: { $0.projection == projection }) else {
            throw Problem(.notFound, code: "not_found", "no event type of this hub provides these rows")
        }
        do throws(MessageFault) {
            return try self.hub.openForReading(ChannelName(type: type.name, key: key), by: principal, how: "GET rows")
        } catch {
            throw Problem(error)
        }
    }

    func rows() throws(Problem) -> any Projections {
        guard let rows = self.hub.tape.projections else {
            throw Problem(
                .notFound,
                code: "not_found",
                "this tape has no projections; use an SQLite or Postgres tape"
            )
        }
        return rows
    }

    func read<Value>(_ work: () async throws(TapeFault) -> Value) async throws(Problem) -> Value {
        do throws(TapeFault) {
            return try await work()
        } catch {
            throw Problem(MessageFault(.unavailable, "this cannot be read now; try again"))
        }
    }
}

/// The parameters of a request.
struct Query {
    private let parameters: FlatDictionary<Substring, Substring>

    init(_ request: Request) {
        self.parameters = request.uri.queryParameters
    }

    subscript(_ name: String) -> String? {
        self.parameters[name[...]].map(String.init)
    }

    /// All values of a parameter that may be given several times.
    subscript(all name: String) -> [String] {
        self.parameters[values: name[...]].map(String.init)
    }

    func refused(_ name: String, _ expectation: String) -> Problem {
        Problem(.badRequest, code: ErrorCode.badRequest.rawValue, "\"\(name)\" is \(expectation)")
    }

    func text(_ name: String) throws(Problem) -> String? {
        guard let text = self[name] else { return nil }
        guard RowKey.isText(text) else {
            throw self.refused(name, "1 to \(RowKey.maxTextLength) bytes without control characters")
        }
        return text
    }

    func number(_ name: String, range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let text = self[name] else { return nil }
        guard let number = Int(decimal: text, in: range) else {
            throw self.refused(name, range.expectation())
        }
        return number
    }

    func cursor(_ name: String) throws(Problem) -> TransactionCursor? {
        guard let text = self[name] else { return nil }
        guard let cursor = TransactionCursor(text) else {
            throw self.refused(name, "the \"next\" of the previous page")
        }
        return cursor
    }
}

extension JSON.Writer {
    mutating func member(_ name: String, orNull text: String?) {
        if let text { self.member(name, string: text) } else { self.member(name, .null) }
    }

    private mutating func member(_ name: String, orNull number: Int?) {
        if let number { self.member(name, integer: number) } else { self.member(name, .null) }
    }

    fileprivate mutating func members(of wallet: Wallet) {
        self.member("id", string: wallet.key.id)
        self.member("currency", string: wallet.currency)
        self.member("balance", orNull: wallet.lastUpdate?.balance.description)
        self.member("available", orNull: wallet.lastUpdate?.available?.description)
        self.member("version", orNull: wallet.lastUpdate?.version)
        self.member("updatedAt", orNull: wallet.lastUpdate?.updatedAt.description)
        self.member("seq", orNull: wallet.lastUpdate?.seq)
    }

    fileprivate mutating func transaction(_ transaction: Transaction) {
        self.beginObject()
        self.member("id", string: transaction.key.id)
        self.member("type", string: transaction.type)
        self.member("amount", string: transaction.amount.description)
        self.member("status", string: transaction.status)
        self.member("currency", orNull: transaction.currency)
        self.member("wallet", string: transaction.wallet)
        self.member("createdAt", string: transaction.createdAt.description)
        self.member("updatedAt", string: transaction.updatedAt.description)
        self.member("seq", integer: transaction.seq)
        if let trade = transaction.trade {
            self.name("trade")
            self.beginObject()
            self.member("pair", orNull: trade.pair)
            self.member("side", orNull: trade.side)
            self.member("price", orNull: trade.price?.description)
            self.member("filledAmount", orNull: trade.filledAmount?.description)
            self.endObject()
        }
        if let transfer = transaction.transfer {
            self.name("transfer")
            self.beginObject()
            self.member("recipient", string: transfer.recipient)
            self.member("wallet", string: transfer.wallet)
            self.endObject()
        }
        self.endObject()
    }
}
