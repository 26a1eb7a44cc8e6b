// SPDX-License-Identifier: Apache-2.0

package import EventLog

extension PostgresTape: SourceStore {
    private static let version = PostgresStatement(
        "source_version",
        "SELECT version FROM sources WHERE name = $1::bytea"
    )
    /// No name has a byte 0xFF.
    private static let list = PostgresStatement(
        "list_source_entries",
        """
        SELECT name, value FROM source_entries
        WHERE source = $1::bytea AND name > $2::bytea AND name >= $3::bytea AND name < $3::bytea || '\\xff'::bytea
        ORDER BY name LIMIT $4::int8
        """
    )

    package func state(of source: String, prefix: String) async throws(TapeFault) -> SourceState {
        try await self.keep { session throws(PostgresFault) in
            try session.transaction(.beginReading) { () throws(PostgresFault) in
                let version = try session.run(PostgresCommand(Self.version).with(source))
                return SourceState(
                    version: try version.count == 1 ? version.integer(0, 0) : 0,
                    entries: try Self.entries(session, of: source, prefix: prefix, after: "", limit: .max)
                )
            }
        }
    }

    package func entries(
        of source: String,
        prefix: String,
        after name: String,
        limit: Int
    ) async throws(TapeFault) -> [SourceEntry] {
        try await self.keep { session throws(PostgresFault) in
            try Self.entries(session, of: source, prefix: prefix, after: name, limit: limit)
        }
    }

    private static func entries(
        _ session: PostgresSession,
        of source: String,
        prefix: String,
        after name: String,
        limit: Int
    ) throws(PostgresFault) -> [SourceEntry] {
        let rows = try session.run(
            PostgresCommand(Self.list).with(source).with(name).with(prefix).with(max(0, limit))
        )
        return (0..<rows.count).map { SourceEntry(name: rows.text($0, 0), value: rows.bytes($0, 1)) }
    }

    package func append(_ events: [Event], with step: SourceStep) async throws(TapeFault) -> StepOutcome {
        do throws(TapeFault) {
            switch try await self.append(PostgresBatch([events], step: step)) {
            case .moved: return .moved
            case .outcomes(let outcomes):
                switch outcomes.first {
                case .conflict(let items): return .conflict(items: items)
                case .committed(let receipts): return .committed(receipts)
                case .refused(let refusal): throw .refused(refusal)
                case nil: return .committed([])
                }
            }
        } catch {
            guard case .refused(let refusal) = error else { throw error }
            return .refused(items: try await self.culprits(among: events), refusal)
        }
    }

    /// The events that cannot be appended: each is tried in a transaction that is rolled back, the others in as few as
    /// can be.
    private func culprits(among events: [Event]) async throws(TapeFault) -> [Int] {
        let halves = await InHalves(events) { part throws(TapeFault) in
            _ = try await self.append(PostgresBatch(part.map { [$0] }, isTrial: true))
            return part
        }
        if let fault = halves.fault { throw fault }
        return halves.results.indices.filter { if case .failure = halves.results[$0] { true } else { false } }
    }
}
