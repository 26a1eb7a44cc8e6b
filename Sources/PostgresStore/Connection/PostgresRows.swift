// SPDX-License-Identifier: Apache-2.0

import CLibPQ
import EventLog
import JSON

/// What one command brought back, in binary, as libpq holds it.
///
/// A class, as several are held in an array; it never leaves the connection's thread. Reading outside of what there is
/// gives zero or nothing: columns are chosen by the statement beside the reading.
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

    /// How many rows a command changed.
    var changed: Int {
        Int(decimal: unsafe String(cString: PQcmdTuples(self.result)), in: .seq) ?? 0
    }

    /// `COMMIT`, `INSERT 0 5` …
    var tag: String {
        unsafe String(cString: PQcmdStatus(self.result))
    }

    /// An `int8`, `int4` or `int2`, whatever it is: not to be counted with.
    func int64(_ row: Int, _ column: Int) -> Int64 {
        let bytes = unsafe self.value(row, column)
        let start: UInt64 = unsafe bytes.first.map { $0 >= 0x80 ? .max : 0 } ?? 0
        return unsafe Int64(truncatingIfNeeded: bytes.reduce(start) { $0 << 8 | UInt64(truncatingIfNeeded: $1) })
    }

    /// The same within a range; outside of it the row is damaged.
    func integer(_ row: Int, _ column: Int, in range: ClosedRange<Int> = .seq) throws(PostgresFault) -> Int {
        let number = self.int64(row, column)
        guard let integer = Int(number, in: range) else {
            throw .unexpected("a row has the number \(number) where \(range.expectation()) belongs")
        }
        return integer
    }

    /// Which of what was asked for the row is about, counted from 0: an ordinality.
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

    /// Valid as long as this object.
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
