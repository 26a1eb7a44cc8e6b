// SPDX-License-Identifier: Apache-2.0

import EventLog
import Synchronization

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// An exclusive lock on the database file itself: one hub per file, whatever name each opens it by.
///
/// SQLite locks byte ranges with `fcntl`, and the system drops **all** such locks that a process has on a file as soon
/// as the process closes **any** descriptor of it. So this one is opened before SQLite has opened the file and closed
/// after SQLite has closed it, and a second opening in the same process is refused without touching the file. The lock
/// itself is one of `flock`, which belongs to the open descriptor and has nothing to do with those of `fcntl`.
final class DatabaseLock: Sendable {
    /// The files that this process has locked.
    private static let locked = Mutex<Set<FileStatus.Identity>>([])

    let identity: FileStatus.Identity
    /// Nil once it is released.
    private let descriptor: Mutex<Int32?>

    /// - Parameter path: Of a regular file, without symbolic links.
    init(path: String) throws(TapeFault) {
        let status: FileStatus
        do { status = try FileStatus(path: path) } catch { throw .unavailable("cannot look at \(path): \(error)") }
        let identity = status.identity
        guard Self.locked.withLock({ $0.insert(identity).inserted }) else { throw Self.isTaken(path) }
        do throws(TapeFault) {
            self.descriptor = Mutex(try Self.lock(path, identity))
        } catch {
            _ = Self.locked.withLock { $0.remove(identity) }
            throw error
        }
        self.identity = identity
    }

    deinit {
        self.release()
    }

    private static func lock(_ path: String, _ identity: FileStatus.Identity) throws(TapeFault) -> Int32 {
        let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .unavailable("cannot open \(path) for writing: \(SystemError.current)") }
        guard (try? FileStatus(descriptor: descriptor))?.identity == identity else {
            // Not closed: SQLite may have this other file open in this process.
            throw .unavailable("\(path) was replaced while it was being opened; start again")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error = SystemError.current
            _ = close(descriptor)
            throw error.code == EWOULDBLOCK ? Self.isTaken(path) : .unavailable("cannot lock \(path): \(error)")
        }
        return descriptor
    }

    private static func isTaken(_ path: String) -> TapeFault {
        .unavailable(
            "the tape \(path) is in use by another hub under another name (a link, a mount, another path); a file has "
                + "one hub at a time. `fuser -v \(path)` shows the process"
        )
    }

    /// The file that was opened, wherever its name leads by now.
    func status() throws(SystemError) -> FileStatus {
        // Inside, so that it is not closed meanwhile.
        try self.descriptor.withLock { descriptor throws(SystemError) in
            guard let descriptor else { throw SystemError(code: EBADF) }
            return try FileStatus(descriptor: descriptor)
        }
    }

    /// To be called when SQLite has closed the file.
    func release() {
        guard let descriptor = self.descriptor.withLock({ $0.take() }) else { return }
        // Closing alone would leave the lock to a child process that is between fork and exec.
        _ = flock(descriptor, LOCK_UN)
        _ = close(descriptor)
        _ = Self.locked.withLock { $0.remove(self.identity) }
    }
}
