// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Testing

/// What every ``Tape`` with ``Projections`` must do, one rule at a time; run as ``TapeContract`` is.
package struct ProjectionContract: Sendable {
    /// One rule, by the name of its function.
    package struct Rule: Sendable, CustomTestStringConvertible {
        package let name: String
        package let check: @Sendable (ProjectionContract) async throws -> Void

        init(_ name: String, _ check: @escaping @Sendable (ProjectionContract) async throws -> Void) {
            self.name = name
            self.check = check
        }

        package var testDescription: String { self.name }
    }

    let opener: TapeContract.Opener

    /// - Parameter opener: Opens the storage under test, holding what earlier openings left there.
    package init(opener: @escaping TapeContract.Opener) {
        self.opener = opener
    }

    package static let rules: [Rule] =
        walletRules + transactionRules + rateRules + readingRules
        + [Rule("agreesWithModel") { try await $0.agreesWithModel() }]

    /// Opens the tape for the length of a body.
    func withTape<Value>(_ body: (any Tape, any Projections) async throws -> Value) async throws -> Value {
        let tape = try await self.opener(TapeClock())
        do {
            let value = try await body(tape, try #require(tape.projections))
            await tape.close()
            return value
        } catch {
            await tape.close()
            throw error
        }
    }
}

extension Event {
    /// An event of a built-in type as the validator returns it.
    /// - Parameter time: Nanoseconds.
    package static func projected(
        _ type: String,
        _ id: String,
        on key: String,
        time: Int64 = 1_000,
        _ data: String
    ) -> Event {
        Event.projected(type, id, keys: [key], time: time, data)
    }

    /// An event of a built-in type as the validator returns it.
    package static func projected(
        _ type: String,
        _ id: String,
        keys: [String],
        time: Int64 = 1_000,
        _ data: String
    ) -> Event {
        let time = Timestamp(nanoseconds: time)
        let bytes = Array(data.utf8)
        return Event(
            id: id,
            source: "test",
            type: type,
            keys: keys,
            time: time,
            data: bytes,
            slot: "",
            projection: EventTypes()[type]?.projection,
            fingerprint: Fingerprint(type: type, keys: keys, time: time, data: bytes)
        )
    }

    static func balance(_ id: String, of user: String, time: Int64 = 1_000, _ data: String) -> Event {
        Event.projected("balanceUpdate", id, on: user, time: time, data)
    }

    static func transaction(
        _ id: String,
        of user: String,
        and other: String? = nil,
        time: Int64 = 1_000,
        _ data: String
    ) -> Event {
        Event.projected("transactionUpdate", id, keys: [user] + [other].compactMap(\.self), time: time, data)
    }

    static func rate(_ id: String, of pair: String, time: Int64 = 1_000, _ data: String) -> Event {
        Event.projected("rateChange", id, on: pair, time: time, data)
    }
}

extension Projections {
    func wallet(_ user: String, _ id: String) async throws -> Wallet? {
        try await self.wallet(RowKey(user: user, id: id))
    }

    func transaction(_ user: String, _ id: String) async throws -> Transaction? {
        try await self.transaction(RowKey(user: user, id: id))
    }

    /// All ids of a user's transactions that match, by pages.
    func ids(of user: String, _ filter: TransactionFilter = TransactionFilter(), by limit: Int = 100) async throws
        -> [String]
    {
        var ids: [String] = []
        var cursor: TransactionCursor?
        while true {
            let page = try await self.transactions(of: user, matching: filter, after: cursor, limit: limit)
            ids += page.map(\.key.id)
            try #require(page.count <= limit)
            guard page.count == limit, let last = page.last else { return ids }
            cursor = TransactionCursor(after: last)
        }
    }
}
