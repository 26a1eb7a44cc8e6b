// SPDX-License-Identifier: Apache-2.0

import CLibPQ

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
        self.count = Int(unsafe PQntuples(result))
    }

    deinit {
        unsafe PQclear(self.result)
    }

    /// How many rows a command changed.
    var changed: Int {
        Int(unsafe String(cString: PQcmdTuples(self.result))) ?? 0
    }

    /// `COMMIT`, `INSERT 0 5` …
    var tag: String {
        unsafe String(cString: PQcmdStatus(self.result))
    }

    /// An `int8`, `int4` or `int2`.
    func integer(_ row: Int, _ column: Int) -> Int {
        let bytes = unsafe self.value(row, column)
        let start: UInt64 = unsafe bytes.first.map { $0 >= 0x80 ? .max : 0 } ?? 0
        return unsafe Int(truncatingIfNeeded: bytes.reduce(start) { $0 << 8 | UInt64($1) })
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
        unsafe PQgetisnull(self.result, Int32(row), Int32(column)) == 1
    }

    /// Valid as long as this object.
    private func value(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer {
        guard row < self.count, let start = unsafe PQgetvalue(self.result, Int32(row), Int32(column)) else {
            return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        }
        let length = Int(unsafe PQgetlength(self.result, Int32(row), Int32(column)))
        return unsafe UnsafeRawBufferPointer(start: start, count: length)
    }
}
