// SPDX-License-Identifier: Apache-2.0

import EventLog

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// What the system says about a file.
struct FileStatus: Sendable, Equatable {
    /// Which file it is, whatever its name; given to another file only when nobody has it open any more.
    struct Identity: Hashable, Sendable, CustomStringConvertible {
        let device: UInt64
        let inode: UInt64

        var description: String { "\(self.device):\(self.inode)" }
    }

    let identity: Identity
    let isRegular: Bool
    /// Names of the file (hard links); 0 when it was deleted.
    let links: Int
    /// In bytes.
    let size: Int
    /// When its content was changed last, in nanoseconds.
    let modified: Int64

    /// Of what a path leads to.
    init(path: String) throws(SystemError) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw .current }
        self.init(status)
    }

    /// Of an open file.
    init(descriptor: Int32) throws(SystemError) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .current }
        self.init(status)
    }

    private init(_ status: stat) {
        #if canImport(Darwin)
        let modified = status.st_mtimespec
        #else
        let modified = status.st_mtim
        #endif
        self.identity = Identity(
            device: UInt64(truncatingIfNeeded: status.st_dev),
            inode: UInt64(truncatingIfNeeded: status.st_ino)
        )
        self.isRegular = status.st_mode & S_IFMT == S_IFREG
        self.links = Int(clamping: status.st_nlink)
        self.size = Int(clamping: status.st_size)
        let (seconds, isBeyond) = Int64(modified.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        self.modified = isBeyond ? .max : seconds &+ Int64(modified.tv_nsec)
    }
}
