// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON

/// IDs of sources, channel names and reasons are `bytea`, because they are untrusted input.
extension PostgresTape: FanInStore {
    private static let addLetters = PostgresStatement(
        "add_letters",
        """
        INSERT INTO dead_letters (received, channel, payload, reason)
        SELECT * FROM unnest($1::int8[], $2::bytea[], $3::bytea[], $4::bytea[])
        """
    )
    /// By the number, which costs the same however many are kept. Transactions that were rolled back leave gaps, and fewer
    /// letters.
    private static let trimLetters = PostgresStatement(
        "trim_letters",
        "DELETE FROM dead_letters WHERE id <= (SELECT max(id) FROM dead_letters) - \(DeadLetter.kept)"
    )
    private static let listLetters = PostgresStatement(
        "list_letters",
        "SELECT received, channel, payload, reason FROM dead_letters ORDER BY id DESC LIMIT $1::int8"
    )
    private static let setMarks = PostgresStatement(
        "set_marks",
        """
        INSERT INTO source_marks (source, seq, heard, types)
        SELECT source, CASE WHEN numbered THEN seq END, heard, types
        FROM unnest($1::bytea[], $2::int8[], $3::bool[], $4::int8[], $5::text[])
            AS u (source, seq, numbered, heard, types)
        ON CONFLICT (source) DO UPDATE SET seq = excluded.seq, heard = excluded.heard, types = excluded.types
        """
    )
    private static let listMarks = PostgresStatement(
        "list_marks",
        "SELECT source, seq, heard, types FROM source_marks ORDER BY source"
    )
    private static let forgetMarks = PostgresStatement(
        "forget_marks",
        "DELETE FROM source_marks WHERE heard < $1::int8"
    )

    /// Reads and writes outside the log. All of it is idempotent, so a lost connection is retried once.
    func keep<Value: Sendable>(
        _ work: @escaping @Sendable (PostgresSession) throws(PostgresFault) -> Value
    ) async throws(TapeFault) -> Value {
        do throws(PostgresFault) {
            return try await self.reading.read(work)
        } catch {
            throw error.storingFault
        }
    }

    package func setAside(_ deadLetters: [DeadLetter]) async throws(TapeFault) {
        guard !deadLetters.isEmpty else { return }
        try await self.keep { session throws(PostgresFault) in
            try session.transaction { () throws(PostgresFault) in
                _ = try session.run(Self.setAsideCommands(deadLetters))
            }
        }
    }

    /// Inside a transaction.
    static func setAsideCommands(_ deadLetters: [DeadLetter]) -> [PostgresCommand] {
        var times = PostgresColumn(.int8)
        var channels = PostgresColumn(.bytea)
        var payloads = PostgresColumn(.bytea)
        var reasons = PostgresColumn(.bytea)
        for letter in deadLetters.suffix(DeadLetter.kept) {
            times.append(Int(letter.received.nanoseconds))
            channels.append(letter.channel)
            payloads.append(letter.payload)
            reasons.append(letter.reason)
        }
        let add = PostgresCommand(Self.addLetters).with(times).with(channels).with(payloads).with(reasons)
        return [add, PostgresCommand(Self.trimLetters)]
    }

    package func deadLetters(limit: Int) async throws(TapeFault) -> [DeadLetter] {
        try await self.keep { session throws(PostgresFault) in
            let rows = try session.run(PostgresCommand(Self.listLetters).with(max(0, limit)))
            return (0..<rows.count).map { row in
                DeadLetter(
                    received: rows.time(row, 0),
                    channel: rows.text(row, 1),
                    payload: rows.bytes(row, 2),
                    reason: rows.text(row, 3)
                )
            }
        }
    }

    package func sourceMarks() async throws(TapeFault) -> [SourceMark] {
        try await self.keep { session throws(PostgresFault) in
            let rows = try session.run(PostgresCommand(Self.listMarks))
            return (0..<rows.count).map { row in
                SourceMark(
                    source: rows.text(row, 0),
                    seq: rows.isNull(row, 1) ? nil : Int(rows.int64(row, 1), in: .seq),
                    heard: rows.time(row, 2),
                    types: rows.text(row, 3).split(separator: " ").map(String.init)
                )
            }
        }
    }

    package func note(_ marks: [SourceMark]) async throws(TapeFault) {
        guard !marks.isEmpty else { return }
        // The last one of a source counts; sorted, so that nodes do not deadlock.
        var last: [ExactText: SourceMark] = [:]
        for mark in marks { last[ExactText(mark.source)] = mark }
        var sources = PostgresColumn(.bytea)
        var seqs = PostgresColumn(.int8)
        var numbered = PostgresColumn(.bool)
        var times = PostgresColumn(.int8)
        var types = PostgresColumn(.text)
        for mark in last.sorted(by: { $0.key < $1.key }).map(\.value) {
            sources.append(mark.source)
            seqs.append(mark.seq ?? 0)
            numbered.append(mark.seq != nil)
            times.append(Int(mark.heard.nanoseconds))
            // Type names contain no spaces.
            types.append(mark.types.joined(separator: " "))
        }
        let set = PostgresCommand(Self.setMarks).with(sources).with(seqs).with(numbered).with(times).with(types)
        try await self.keep { session throws(PostgresFault) in _ = try session.run(set) }
    }

    package func forgetSources(heardBefore time: Timestamp) async throws(TapeFault) {
        let forget = PostgresCommand(Self.forgetMarks).with(Int(time.nanoseconds))
        try await self.keep { session throws(PostgresFault) in _ = try session.run(forget) }
    }
}
