// SPDX-License-Identifier: Apache-2.0

/// A statement with its parameters.
struct PostgresCommand {
    let statement: PostgresStatement
    /// The values in binary, one after the other.
    private(set) var bytes: [UInt8] = []
    /// End of each value in ``bytes``.
    private(set) var ends: [Int] = []

    init(_ statement: PostgresStatement) {
        self.statement = statement
    }

    consuming func with(_ value: Int) -> Self {
        self.bytes.appendBigEndian(Int64(clamping: value))
        self.ends.append(self.bytes.count)
        return self
    }

    consuming func with(_ value: Int32) -> Self {
        self.bytes.appendBigEndian(value)
        self.ends.append(self.bytes.count)
        return self
    }

    consuming func with(_ value: String) -> Self {
        self.bytes.append(contentsOf: value.utf8)
        self.ends.append(self.bytes.count)
        return self
    }

    consuming func with(_ column: PostgresColumn) -> Self {
        column.write(to: &self.bytes)
        self.ends.append(self.bytes.count)
        return self
    }
}

/// SQL with parameters `$1`, `$2` …, whose types are given by casts.
struct PostgresStatement: Hashable {
    /// Name under which it is prepared at its first use on a connection; nil is parsed every time.
    let name: String?
    let sql: String

    init(_ name: String?, _ sql: String) {
        self.name = name
        self.sql = sql
    }

    static let begin = PostgresStatement("begin", "BEGIN ISOLATION LEVEL READ COMMITTED")
    /// One snapshot for all following statements.
    static let beginReading = PostgresStatement("begin_reading", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    static let commit = PostgresStatement("commit", "COMMIT")
    static let rollback = PostgresStatement("rollback", "ROLLBACK")
}
