// SPDX-License-Identifier: Apache-2.0

import EventLog
import GRDB
import GRDBSQLite
import JSON

/// One SQL statement of a connection, with direct binding and stepping. For small statements, converting arguments and
/// rows to database values would cost more than SQLite's own work.
///
/// Valid only inside the database access that created it. All parameters must be bound for each run.
struct Query {
    private let statement: Statement

    /// Prepares the statement, or takes it from the connection's cache.
    init(_ sql: String, in db: Database) throws {
        self.statement = try db.cachedStatement(sql: sql)
    }

    // MARK: Binding, from 1

    func bind(_ index: Int32, _ value: Int) throws {
        try self.check(unsafe sqlite3_bind_int64(self.statement.sqliteStatement, index, Int64(clamping: value)))
    }

    func bind(_ index: Int32, _ value: Int64) throws {
        try self.check(unsafe sqlite3_bind_int64(self.statement.sqliteStatement, index, value))
    }

    /// Unlike GRDB, this binds by length, so a text may contain NUL.
    func bind(_ index: Int32, _ text: String) throws {
        var text = text
        let code = text.withUTF8 { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { bytes in
                unsafe sqlite3_bind_text(
                    self.statement.sqliteStatement,
                    index,
                    bytes.baseAddress,
                    Int32(clamping: bytes.count),
                    Self.copied
                )
            }
        }
        try self.check(code)
    }

    /// Binds bytes as text, which SQLite stores unchanged.
    func bind(_ index: Int32, text: [UInt8]) throws {
        guard !text.isEmpty else { return try self.bind(index, "") }
        let code = unsafe text.withUnsafeBytes { bytes in
            unsafe sqlite3_bind_text(
                self.statement.sqliteStatement,
                index,
                bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
                Int32(clamping: bytes.count),
                Self.copied
            )
        }
        try self.check(code)
    }

    func bind(_ index: Int32, nullable text: String?) throws {
        if let text { try self.bind(index, text) } else { try self.bindNull(index) }
    }

    func bind(_ index: Int32, nullable number: Int?) throws {
        if let number { try self.bind(index, number) } else { try self.bindNull(index) }
    }

    private func bindNull(_ index: Int32) throws {
        try self.check(unsafe sqlite3_bind_null(self.statement.sqliteStatement, index))
    }

    func bind(_ index: Int32, blob: [UInt8]) throws {
        let code = unsafe blob.withUnsafeBytes { bytes in
            unsafe sqlite3_bind_blob(
                self.statement.sqliteStatement,
                index,
                bytes.baseAddress,
                Int32(clamping: bytes.count),
                Self.copied
            )
        }
        try self.check(code)
    }

    /// `SQLITE_TRANSIENT`: SQLite makes its own copy while binding (https://www.sqlite.org/c3ref/c_static.html).
    private static var copied: sqlite3_destructor_type? {
        unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    }

    // MARK: Running

    /// Runs to the end and ignores rows.
    func run() throws {
        while try self.step() {}
    }

    /// Steps to the next row; if there is none, returns false and resets the statement.
    func step() throws -> Bool {
        let code = unsafe sqlite3_step(self.statement.sqliteStatement)
        if code == SQLITE_ROW { return true }
        // Reset repeats the code of a failed step, so the message has to be read first.
        let error = code == SQLITE_DONE ? nil : self.error(code)
        self.reset()
        if let error { throw error }
        return false
    }

    /// Discards the remaining rows.
    func reset() {
        _ = unsafe sqlite3_reset(self.statement.sqliteStatement)
    }

    /// The result of `read` for the first row, if there is one.
    func first<Value>(_ read: (borrowing Query) throws -> Value) throws -> Value? {
        guard try self.step() else { return nil }
        defer { self.reset() }
        return try read(self)
    }

    // MARK: The current row, columns from 0

    /// A number, 0 for null; a row with a value outside the range is damaged.
    func integer(_ column: Int32, in range: ClosedRange<Int> = .seq) throws(TapeFault) -> Int {
        let number = self.int64(column)
        guard let integer = Int(number, in: range) else {
            throw .damaged("a row has the number \(number) where \(range.expectation()) belongs")
        }
        return integer
    }

    /// A time, or a number without a range check.
    func int64(_ column: Int32) -> Int64 {
        unsafe sqlite3_column_int64(self.statement.sqliteStatement, column)
    }

    func text(_ column: Int32) -> String {
        unsafe String(decoding: self.raw(column), as: UTF8.self)
    }

    func bytes(_ column: Int32) -> [UInt8] {
        unsafe Array(self.raw(column))
    }

    func isNull(_ column: Int32) -> Bool {
        unsafe sqlite3_column_type(self.statement.sqliteStatement, column) == SQLITE_NULL
    }

    func nullableText(_ column: Int32) -> String? {
        self.isNull(column) ? nil : self.text(column)
    }

    func nullableInt64(_ column: Int32) -> Int64? {
        self.isNull(column) ? nil : self.int64(column)
    }

    /// Length of a text or blob, without copying it.
    func count(_ column: Int32) -> Int {
        Int(clamping: unsafe sqlite3_column_bytes(self.statement.sqliteStatement, column))
    }

    /// Valid until the next step.
    private func raw(_ column: Int32) -> UnsafeRawBufferPointer {
        // In this order, because requesting the pointer may convert the value and change its length.
        let start = unsafe sqlite3_column_blob(self.statement.sqliteStatement, column)
        return unsafe UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : self.count(column))
    }

    // MARK: Errors

    private func check(_ code: Int32) throws {
        if code != SQLITE_OK { throw self.error(code) }
    }

    private func error(_ code: Int32) -> DatabaseError {
        let connection = unsafe sqlite3_db_handle(self.statement.sqliteStatement)
        let message = unsafe sqlite3_errmsg(connection).map { unsafe String(cString: $0) }
        return DatabaseError(resultCode: ResultCode(rawValue: code), message: message, sql: self.statement.sql)
    }
}
