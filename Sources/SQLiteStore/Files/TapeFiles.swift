// SPDX-License-Identifier: Apache-2.0

import EventLog
import Synchronization

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The files of an open tape: locked for this hub, and looked at whether they are still the ones that were opened.
///
/// A program that deletes or replaces a file leaves it to those who have it open: SQLite would go on committing to a file
/// that nobody finds any more. So ``check()`` compares device and inode of what is under the names with what was opened,
/// and whether the content has changed without a checkpoint. It takes five system calls, a few microseconds.
final class TapeFiles: Sendable {
    /// The files beside the database, by the ends of their names.
    private static let log = "-wal"
    private static let index = "-shm"
    /// A write-ahead log beyond it is not written back as it should be.
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
        /// What is wrong now; for good unless it passes.
        var loss: TapeLoss?
        /// What was done about it; nil while nothing was.
        var outcome: String?
    }

    let path: String
    let lockFile: LockFile
    let lock: DatabaseLock
    private let state = Mutex(State())

    /// - Parameter path: Of the file, which exists, without symbolic links.
    init(path: String, lockFile: LockFile) throws(TapeFault) {
        self.lock = try DatabaseLock(path: path)
        self.path = path
        self.lockFile = lockFile
    }

    deinit {
        self.release()
    }

    /// SQLite has opened all files: what is there now is what is to stay.
    /// - Parameters:
    ///   - last: The newest event, by its row.
    ///   - doubt: Why the content is yet to be examined.
    func opened(epoch: String, last: Int, doubt: String?) throws(TapeFault) {
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
            self.note(last: last, doubt: doubt)
        } catch {
            throw .unavailable("cannot look at the files of \(self.path): \(error)")
        }
    }

    /// Leaves word to the hub that opens the tape next.
    func note(last: Int, doubt: String? = nil) {
        self.state.withLock { state in
            state.record.last = last
            state.record.doubt = doubt ?? state.record.doubt
            self.lockFile.note(state.record)
        }
    }

    /// To be called when SQLite has closed them all.
    func release() {
        if let index = self.state.withLock({ $0.index.take() }) { _ = close(index) }
        self.lock.release()
        self.lockFile.release()
    }

    // MARK: Looking

    /// Throws unless what is committed now will be found under the tape's name.
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

    /// Throws unless the database is under its name: what is opened by that name would be another file.
    func checkName() throws(TapeFault) {
        if let loss = self.lookAtName() { throw loss.fault(self.path) }
    }

    /// Nothing can be committed any more, for good.
    /// - Returns: The fault that whatever is asked of the tape ends in.
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

    /// A checkpoint says that it has begun before it writes. So what has changed while no checkpoint has begun was
    /// changed by something that is not SQLite.
    private func lookAtContent(_ state: inout State) -> TapeLoss? {
        guard let index = state.index, let former = state.database else { return nil }
        let mark = CheckpointMark(descriptor: index)
        guard let status = try? self.lock.status() else { return nil }
        if status.size != former.size || status.modified != former.modified,
            let now = CheckpointMark(descriptor: index), now == state.mark, !now.isUnderWay
        {
            return status.size < former.size ? .shortened : .overwritten
        }
        // The mark from before the look at the file: what is written from then on shows in a later one.
        (state.database, state.mark) = (status, mark)
        return nil
    }

    /// What does not keep anything from being committed, and should be seen to.
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

    // MARK: Securing

    /// What is wrong, if nothing was done about it yet.
    var unsecured: TapeLoss? {
        self.state.withLock { $0.outcome == nil ? $0.loss : nil }
    }

    /// Something was done about what is wrong.
    /// - Parameter outcome: A sentence for the operator, empty when there is nothing to say.
    func secured(_ loss: TapeLoss, _ outcome: String) {
        self.state.withLock { state in
            if state.loss == loss { state.outcome = outcome }
        }
    }

    /// Whether the write-ahead log may be written back into the file.
    func mayCheckpoint() -> Bool {
        self.state.withLock { state in
            guard state.loss?.leavesFileWhole ?? true else { return false }
            // It may have been written over since it was found to be lost.
            guard let loss = self.lookAtContent(&state) else { return true }
            (state.loss, state.outcome) = (loss, nil)
            return false
        }
    }
}
