// SPDX-License-Identifier: Apache-2.0

/// Builds an array parameter in Postgres' binary format, for a column of `unnest`.
///
/// A header (dimensions, has nulls, type of the elements, length, lower bound), then each element with its length in
/// front, all big-endian (https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/utils/adt/arrayfuncs.c,
/// `array_recv`).
struct PostgresColumn {
    private(set) var bytes: [UInt8]
    private(set) var count = 0
    private static let hasNullsOffset = 7
    private static let lengthOffset = 12

    /// - Parameters:
    ///   - count: Expected number of values.
    ///   - each: Expected size of a value, in bytes.
    init(_ type: PostgresType, count: Int = 0, each: Int = 16) {
        self.bytes = []
        self.bytes.reserveCapacity(20 + count * (4 + each))
        self.bytes.appendBigEndian(Int32(1))
        self.bytes.appendBigEndian(Int32(0))
        self.bytes.appendBigEndian(type.rawValue)
        self.bytes.appendBigEndian(Int32(0))
        self.bytes.appendBigEndian(Int32(1))
    }

    mutating func append(_ value: Int) {
        self.bytes.appendBigEndian(Int32(8))
        self.bytes.appendBigEndian(Int64(clamping: value))
        self.count += 1
    }

    mutating func append(_ value: ReceiptKey) {
        self.bytes.appendBigEndian(Int32(16))
        self.bytes.appendBigEndian(value.high)
        self.bytes.appendBigEndian(value.low)
        self.count += 1
    }

    mutating func append(_ value: Int32) {
        self.bytes.appendBigEndian(Int32(4))
        self.bytes.appendBigEndian(value)
        self.count += 1
    }

    mutating func append(_ value: Bool) {
        self.bytes.appendBigEndian(Int32(1))
        self.bytes.append(value ? 1 : 0)
        self.count += 1
    }

    mutating func append(_ value: String) {
        var value = value
        value.withUTF8 { text in
            self.bytes.appendBigEndian(Int32(truncatingIfNeeded: text.count))
            unsafe self.bytes.append(contentsOf: text)
        }
        self.count += 1
    }

    mutating func append(_ value: [UInt8]) {
        self.bytes.appendBigEndian(Int32(truncatingIfNeeded: value.count))
        self.bytes.append(contentsOf: value)
        self.count += 1
    }

    /// Null without a value; the header has a flag for nulls.
    mutating func append(_ value: String?) {
        if let value { self.append(value) } else { self.appendNull() }
    }

    /// As ``append(_:)-(String?)``.
    mutating func append(_ value: Int?) {
        if let value { self.append(value) } else { self.appendNull() }
    }

    private mutating func appendNull() {
        self.bytes[Self.hasNullsOffset] = 1
        self.bytes.appendBigEndian(Int32(-1))
        self.count += 1
    }

    /// Writes the array, whose length is known only after the last element. An empty array has no dimensions.
    func write(to buffer: inout [UInt8]) {
        let start = buffer.count
        buffer.append(contentsOf: self.bytes)
        guard self.count > 0 else {
            buffer.removeLast(8)
            buffer[start + 3] = 0
            return
        }
        for index in 0..<4 {
            buffer[start + Self.lengthOffset + index] = UInt8(truncatingIfNeeded: self.count >> (24 - 8 * index))
        }
    }
}

/// Types by OID (https://github.com/postgres/postgres/blob/REL_15_STABLE/src/include/catalog/pg_type.dat).
enum PostgresType: UInt32 {
    case bool = 16
    case bytea = 17
    case int8 = 20
    case int4 = 23
    case text = 25
    case uuid = 2950
}

extension [UInt8] {
    mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        unsafe Swift.withUnsafeBytes(of: value.bigEndian) { unsafe self.append(contentsOf: $0) }
    }
}
