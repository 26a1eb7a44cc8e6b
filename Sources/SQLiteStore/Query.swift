// SPDX-License-Identifier: Apache-2.0

import EventLog
import GRDB
import GRDBSQLite
import JSON

/// One SQL statement of a connection, bound and stepped by hand: for statements as small as ours, arguments and rows
/// made of database values cost more than what SQLite does with them.
///
/// Valid inside the database access that made it. Every parameter is bound anew for each run.
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

    /// Unlike GRDB this binds by length, so a text may hold NUL.
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

    /// Binds bytes as text, which SQLite keeps as they are.
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

    /// Runs to the end without looking at rows.
    func run() throws {
        while try self.step() {}
    }

    /// Goes to the next row; false, and ready to be bound again, when there is none.
    func step() throws -> Bool {
        let code = unsafe sqlite3_step(self.statement.sqliteStatement)
        if code == SQLITE_ROW { return true }
        // Reset repeats the code of a failed step; the message has to be read before it.
        let error = code == SQLITE_DONE ? nil : self.error(code)
        self.reset()
        if let error { throw error }
        return false
    }

    /// Leaves the rows that were not stepped to.
    func reset() {
        _ = unsafe sqlite3_reset(self.statement.sqliteStatement)
    }

    /// What `read` makes of the first row, if there is one.
    func first<Value>(_ read: (borrowing Query) throws -> Value) throws -> Value? {
        guard try self.step() else { return nil }
        defer { self.reset() }
        return try read(self)
    }

    // MARK: The current row, columns from 0

    /// A number that counts something, 0 for null; outside of the range the row is damaged.
    func integer(_ column: Int32, in range: ClosedRange<Int> = .seq) throws(TapeFault) -> Int {
        let number = self.int64(column)
        guard let integer = Int(number, in: range) else {
            throw .damaged("a row has the number \(number) where \(range.expectation()) belongs")
        }
        return integer
    }

    /// A time, or a number that nobody counts with.
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

    /// Good until the next step.
    private func raw(_ column: Int32) -> UnsafeRawBufferPointer {
        // In this order: asking for the pointer may convert the value, and with it the length.
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
