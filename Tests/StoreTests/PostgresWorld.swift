// SPDX-License-Identifier: Apache-2.0

import EventLog
import TestSupport
import Testing

@testable import PostgresStore

/// What tests of Postgres have in common.
enum PostgresWorld {
    static func open(
        _ url: String,
        _ settings: PostgresTape.Settings = .test(),
        clock: TapeClock? = nil
    ) async throws -> PostgresTape {
        guard let clock else { return try await PostgresTape(url: url, settings: settings) }
        return try await PostgresTape(url: url, settings: settings) { clock.now }
    }

    static func open(_ url: String, count: Int) async throws -> [PostgresTape] {
        var tapes: [PostgresTape] = []
        for _ in 0..<count { tapes.append(try await Self.open(url)) }
        return tapes
    }

    /// Checks the tables: numbers without a gap up to the head, no duplicates, and matching receipts.
    /// - Parameter events: Events that must be stored, with their positions.
    static func check(_ url: String, holds events: [String: [Position]] = [:]) async throws {
        let server = try await PostgresServer.shared
        let broken = try await server.execute(
            """
            SELECT c.name, c.first, c.head, min(e.seq), max(e.seq), count(e.seq), count(DISTINCT (e.id, e.source))
            FROM channels c LEFT JOIN events e ON e.channel = c.id AND e.seq >= c.first
            WHERE c.head > 0 GROUP BY c.id HAVING count(e.seq) <> c.head - c.first + 1
                OR count(DISTINCT e.seq) <> count(e.seq) OR max(e.seq) <> c.head
                OR count(DISTINCT (e.id, e.source)) <> count(e.seq)
            """,
            at: url
        )
        #expect(broken == "", "channels with gaps or doubles")
        let unreceipted = try await server.execute(
            "SELECT id FROM events e WHERE NOT EXISTS (SELECT 1 FROM receipts WHERE key = receipt_key(e.source, e.id))",
            at: url
        )
        #expect(unreceipted == "", "events without receipts")
        guard !events.isEmpty else { return }
        let rows = try await server.execute(
            "SELECT c.name || ' ' || e.seq || ' ' || convert_from(e.id, 'UTF8') FROM events e JOIN channels c ON c.id = e.channel",
            at: url
        )
        let standing = Set(rows.split(separator: "\n").map(String.init))
        let told = Set(events.flatMap { id, positions in positions.map { "\($0.channel) \($0.seq) \(id)" } })
        #expect(told == standing)
    }
}
