// SPDX-License-Identifier: Apache-2.0

/// A statement and what goes into it.
struct PostgresCommand {
    let statement: PostgresStatement
    /// The values in binary, one after the other.
    private(set) var bytes: [UInt8] = []
    /// Where each value ends in ``bytes``.
    private(set) var ends: [Int] = []

    init(_ statement: PostgresStatement) {
        self.statement = statement
    }

    private mutating func close() {
        self.ends.append(self.bytes.count)
    }

    func with(_ value: Int) -> Self {
        var copy = self
        copy.bytes.appendBigEndian(Int64(value))
        copy.close()
        return copy
    }

    func with(_ value: Int32) -> Self {
        var copy = self
        copy.bytes.appendBigEndian(value)
        copy.close()
        return copy
    }

    func with(_ value: String) -> Self {
        var copy = self
        copy.bytes.append(contentsOf: value.utf8)
        copy.close()
        return copy
    }

    func with(_ value: [UInt8]) -> Self {
        var copy = self
        copy.bytes.append(contentsOf: value)
        copy.close()
        return copy
    }

    func with(_ column: PostgresColumn) -> Self {
        self.with(column.finished)
    }
}

/// SQL with `$1`, `$2` … whose types it names by casts.
struct PostgresStatement: Hashable {
    /// Prepared under this name at its first use on a connection; nil is parsed every time.
    let name: String?
    let sql: String

    init(_ name: String?, _ sql: String) {
        self.name = name
        self.sql = sql
    }

    static let begin = PostgresStatement("begin", "BEGIN ISOLATION LEVEL READ COMMITTED")
    /// One snapshot for all that follows.
    static let beginReading = PostgresStatement("begin_reading", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    static let commit = PostgresStatement("commit", "COMMIT")
    static let rollback = PostgresStatement("rollback", "ROLLBACK")
}
