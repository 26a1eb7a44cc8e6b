// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// How much of the write-ahead log has been written back into the database file, as its index (`-shm`) has it
/// (https://www.sqlite.org/walformat.html#the_wal_index_file_format).
///
/// In WAL mode SQLite writes to the database file in checkpoints only. A file that has changed while this has not was
/// written to by something that is not SQLite.
struct CheckpointMark: Equatable {
    private static let saltsOffset = 32
    private static let doneOffset = 96
    private static let attemptedOffset = 128
    private static let length = 132

    private let salts: [UInt8]
    private let done: [UInt8]
    private let attempted: [UInt8]

    /// Reads an open index; nil when it is too short to be one.
    init?(descriptor: Int32) {
        var bytes = [UInt8](repeating: 0, count: Self.length)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count == Self.length else { return nil }
        self.salts = Array(bytes[Self.saltsOffset..<Self.saltsOffset + 8])
        self.done = Array(bytes[Self.doneOffset..<Self.doneOffset + 4])
        self.attempted = Array(bytes[Self.attemptedOffset..<Self.attemptedOffset + 4])
    }

    /// A checkpoint has begun and not ended, or was broken off.
    var isUnderWay: Bool { self.done != self.attempted }
}
