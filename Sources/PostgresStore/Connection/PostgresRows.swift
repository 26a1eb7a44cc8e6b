// SPDX-License-Identifier: Apache-2.0

import CLibPQ
import EventLog
import JSON

/// The result of one command in binary format, owned by libpq.
///
/// A class, because several are stored in an array; it never leaves the connection's thread. Reading outside the rows
/// and columns returns zero or nothing.
@safe final class PostgresRows {
    private let result: OpaquePointer
    let count: Int

    /// Takes ownership.
    init(_ result: OpaquePointer) {
        unsafe self.result = unsafe result
        self.count = Int(truncatingIfNeeded: unsafe PQntuples(result))
    }

    deinit {
        unsafe PQclear(self.result)
    }

    /// Number of rows that a command changed.
    var changed: Int {
        Int(decimal: unsafe String(cString: PQcmdTuples(self.result)), in: .seq) ?? 0
    }

    /// `COMMIT`, `INSERT 0 5` …
    var tag: String {
        unsafe String(cString: PQcmdStatus(self.result))
    }

    /// An `int8`, `int4` or `int2` without a range check: not for arithmetic.
    func int64(_ row: Int, _ column: Int) -> Int64 {
        let bytes = unsafe self.value(row, column)
        let start: UInt64 = unsafe bytes.first.map { $0 >= 0x80 ? .max : 0 } ?? 0
        return unsafe Int64(truncatingIfNeeded: bytes.reduce(start) { $0 << 8 | UInt64(truncatingIfNeeded: $1) })
    }

    /// The same within a range; a row with a value outside is damaged.
    func integer(_ row: Int, _ column: Int, in range: ClosedRange<Int> = .seq) throws(PostgresFault) -> Int {
        let number = self.int64(row, column)
        guard let integer = Int(number, in: range) else {
            throw .unexpected("a row has the number \(number) where \(range.expectation()) belongs")
        }
        return integer
    }

    /// Index of the requested item that the row belongs to, from 0: an ordinality.
    func place(_ row: Int, _ column: Int, of count: Int) throws(PostgresFault) -> Int {
        try self.integer(row, column, in: 1...max(1, count)) - 1
    }

    /// The number of a partition.
    func part(_ row: Int, _ column: Int) throws(PostgresFault) -> Int32 {
        Int32(truncatingIfNeeded: try self.integer(row, column, in: 0...Int(Int32.max)))
    }

    /// A time in nanoseconds.
    func time(_ row: Int, _ column: Int) -> Timestamp {
        Timestamp(nanoseconds: self.int64(row, column))
    }

    func bool(_ row: Int, _ column: Int) -> Bool {
        unsafe self.value(row, column).first == 1
    }

    func bytes(_ row: Int, _ column: Int) -> [UInt8] {
        unsafe Array(self.value(row, column))
    }

    func text(_ row: Int, _ column: Int) -> String {
        unsafe String(decoding: self.value(row, column), as: UTF8.self)
    }

    func isNull(_ row: Int, _ column: Int) -> Bool {
        unsafe PQgetisnull(self.result, Int32(clamping: row), Int32(clamping: column)) == 1
    }

    /// Valid during the lifetime of this object.
    private func value(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer {
        guard row < self.count,
            let start = unsafe PQgetvalue(self.result, Int32(clamping: row), Int32(clamping: column))
        else {
            return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        }
        let length = Int(
            truncatingIfNeeded: unsafe PQgetlength(self.result, Int32(clamping: row), Int32(clamping: column))
        )
        return unsafe UnsafeRawBufferPointer(start: start, count: length)
    }
}
