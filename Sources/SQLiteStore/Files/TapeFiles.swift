// SPDX-License-Identifier: Apache-2.0

import EventLog
import Synchronization

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The files of an open tape: locked for this hub, and checked that they are still the ones that were opened.
///
/// If a program deletes or replaces an open file, SQLite would continue committing to a file without a name. So
/// ``check()`` compares the device and inode at each path with those that were opened, and detects changes without a
/// checkpoint. It takes five system calls, a few microseconds.
final class TapeFiles: Sendable {
    /// The files beside the database, by suffix.
    private static let log = "-wal"
    private static let index = "-shm"
    /// Size of a write-ahead log that indicates failing checkpoints.
    private static let longLog = 1 << 30

    private struct State {
        /// The files beside the database, as they were opened.
        var beside: [String: FileStatus.Identity] = [:]
        /// Open while SQLite has it open, for the same reason as ``DatabaseLock``.
        var index: Int32?
        /// The database and how far it was written by checkpoints, as of the last look.
        var database: FileStatus?
        var mark: CheckpointMark?
        var record = TapeRecord()
        /// The current loss; permanent unless it is temporary by nature.
        var loss: TapeLoss?
        /// The action taken; nil if none was.
        var outcome: String?
    }

    let path: String
    let lockFile: LockFile
    let lock: DatabaseLock
    private let state = Mutex(State())

    /// - Parameter path: Path of the existing file, without symbolic links.
    init(path: String, lockFile: LockFile) throws(TapeFault) {
        self.lock = try DatabaseLock(path: path)
        self.path = path
        self.lockFile = lockFile
    }

    deinit {
        self.release()
    }

    /// Records the identity of all files after SQLite has opened them.
    /// - Parameters:
    ///   - last: Row of the newest event.
    ///   - doubt: Why the content still has to be checked.
    func opened(epoch: String, last: Int, markUncertain: String?) throws(TapeFault) {
        do throws(SystemError) {
            let log = try FileStatus(path: self.path + Self.log).identity
            let index = try FileStatus(path: self.path + Self.index).identity
            let descriptor = unsafe open(self.path + Self.index, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw .current }
            let mark = CheckpointMark(descriptor: descriptor)
            let database = try? self.lock.status()
            self.state.withLock { state in
                state.beside = [Self.log: log, Self.index: index]
                (state.index, state.mark, state.database) = (descriptor, mark, database)
                state.record.epoch = epoch
                state.record.database = self.lock.identity.description
                state.record.log = log.description
            }
            self.note(last: last, markUncertain: markUncertain)
        } catch {
            throw .unavailable("cannot look at the files of \(self.path): \(error)")
        }
    }

    /// Writes the record for the next hub that opens the tape.
    func note(last: Int, markUncertain: String? = nil) {
        self.state.withLock { state in
            state.record.last = last
            state.record.markUncertain = markUncertain ?? state.record.markUncertain
            self.lockFile.note(state.record)
        }
    }

    /// Call it after SQLite has closed all files.
    func release() {
        if let index = self.state.withLock({ $0.index.take() }) { _ = close(index) }
        self.lock.release()
        self.lockFile.release()
    }

    // MARK: Checking

    /// Throws unless commits go to the file under the tape's name.
    func check() throws(TapeFault) {
        let fault = self.state.withLock { state -> TapeFault? in
            if state.loss?.passes ?? true {
                let loss = self.look(&state)
                if loss != state.loss { state.outcome = nil }
                state.loss = loss
            }
            return state.loss.map { self.fault($0, state.outcome) }
        }
        if let fault { throw fault }
    }

    /// Throws unless the database is under its name; otherwise opening the name would open another file.
    func checkName() throws(TapeFault) {
        if let loss = self.lookAtName() { throw loss.fault(self.path) }
    }

    /// Permanently refuses commits.
    /// - Returns: The fault of all further operations.
    func lose(_ loss: TapeLoss) -> TapeFault {
        self.state.withLock { state in
            if state.loss?.passes ?? true { (state.loss, state.outcome) = (loss, nil) }
            return self.fault(state.loss ?? loss, state.outcome)
        }
    }

    private func fault(_ loss: TapeLoss, _ outcome: String?) -> TapeFault {
        switch loss.fault(self.path) {
        case .damaged(let text): .damaged([text, outcome ?? ""].filter { !$0.isEmpty }.joined(separator: ". "))
        case let fault: fault
        }
    }

    private func lookAtName() -> TapeLoss? {
        do throws(SystemError) {
            if try FileStatus(path: self.path).identity == self.lock.identity { return nil }
        } catch {
            guard error.code == ENOENT || error.code == ENOTDIR else { return .unreachable(error) }
        }
        return ((try? self.lock.status())?.links ?? 0) == 0 ? .deleted : .moved
    }

    private func look(_ state: inout State) -> TapeLoss? {
        if let loss = self.lookAtName() ?? self.lookAtContent(&state) { return loss }
        return state.beside.first { suffix, identity in
            (try? FileStatus(path: self.path + suffix))?.identity != identity
        }.map { .logDeleted($0.key) }
    }

    /// A checkpoint is marked as begun before it writes. So a change without a checkpoint was made by another program
    /// than SQLite.
    private func lookAtContent(_ state: inout State) -> TapeLoss? {
        guard let index = state.index, let former = state.database else { return nil }
        let mark = CheckpointMark(descriptor: index)
        guard let status = try? self.lock.status() else { return nil }
        if status.size != former.size || status.modified != former.modified,
            let now = CheckpointMark(descriptor: index), now == state.mark, !now.isUnderWay
        {
            return status.size < former.size ? .shortened : .overwritten
        }
        // The mark was read before the file status, so later writes show up in a later mark.
        (state.database, state.mark) = (status, mark)
        return nil
    }

    /// Problems that do not prevent commits but need attention.
    func remarks() -> [String] {
        var remarks: [String] = []
        if let status = try? FileStatus(path: self.path), status.links > 1 {
            remarks.append(
                "\(self.path) has \(status.links) names (hard links); the hub will not start on it again before the others "
                    + "are removed"
            )
        }
        if let size = (try? FileStatus(path: self.path + Self.log))?.size, size > Self.longLog {
            remarks.append(
                "\(self.path)\(Self.log) has grown beyond \(Self.longLog >> 20) MiB: it cannot be written back into "
                    + "\(self.path); a program that reads for too long, or the disk"
            )
        }
        if unsafe access(self.path, R_OK | W_OK) != 0 {
            remarks.append("\(self.path) could not be opened again: \(SystemError.current)")
        }
        return remarks
    }

    // MARK: Saving

    /// The loss, if no action has been taken yet.
    var unsecured: TapeLoss? {
        self.state.withLock { $0.outcome == nil ? $0.loss : nil }
    }

    /// Records the action taken for a loss.
    /// - Parameter outcome: A sentence for the operator; may be empty.
    func secured(_ loss: TapeLoss, _ outcome: String) {
        self.state.withLock { state in
            if state.loss == loss { state.outcome = outcome }
        }
    }

    /// Whether the write-ahead log may be written back into the file.
    func mayCheckpoint() -> Bool {
        self.state.withLock { state in
            guard state.loss?.leavesFileWhole ?? true else { return false }
            // It may have been overwritten since the loss was detected.
            guard let loss = self.lookAtContent(&state) else { return true }
            (state.loss, state.outcome) = (loss, nil)
            return false
        }
    }
}
