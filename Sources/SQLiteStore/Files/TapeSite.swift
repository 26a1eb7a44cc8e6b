// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The path of a tape, before anything is opened there.
struct TapeSite {
    /// Without symbolic links.
    let path: String

    /// The record of the lock file, read without locking.
    var record: TapeRecord {
        let lock = FileManager.default.contents(atPath: LockFile.path(forTapeAt: self.path))
        return TapeRecord(parsing: String(decoding: lock ?? Data(), as: UTF8.self))
    }

    /// Refuses files that would lose data if SQLite opened them.
    /// - Parameter record: The record of the previous hub.
    func recognise(_ record: TapeRecord) throws(TapeFault) {
        let log = try? FileStatus(path: self.path + "-wal")
        let status: FileStatus
        do throws(SystemError) {
            status = try FileStatus(path: self.path)
        } catch {
            guard error.code == ENOENT else { throw .unavailable("cannot look at \(self.path): \(error)") }
            return try self.recogniseAbsence(log, record)
        }
        guard status.isRegular else { throw .unavailable("\(self.path) is not a regular file") }
        guard status.links == 1 else {
            throw .unavailable(
                "\(self.path) has \(status.links) names (hard links). SQLite keeps a write-ahead log beside each name, so "
                    + "what is committed under one is missing, or does damage, under another. Remove the other names; "
                    + "`find / -xdev -samefile \(self.path)` lists them"
            )
        }
        guard !MountTable.hasMount(at: self.path) else {
            throw .unavailable(
                "\(self.path) is mounted as a single file, so what SQLite keeps beside it (\(self.path)-wal) would be "
                    + "left behind where it is mounted, with commits in it. Mount its folder instead"
            )
        }
        guard let log, log.size > 0 else { return }
        guard status.size > 0 else { throw self.lostDatabase("\(self.path) is empty") }
        guard record.log != log.identity.description || record.database == status.identity.description else {
            throw .damaged(
                "\(self.path) is not the file that \(self.path)-wal belongs to: it was replaced after its hub had ended "
                    + "without closing it. Opened together they would be damaged. Put the former file back, or remove "
                    + "\(self.path)-wal and \(self.path)-shm to continue with the present one"
            )
        }
    }

    /// An empty log is created only if there was none before.
    private func recogniseAbsence(_ log: FileStatus?, _ record: TapeRecord) throws(TapeFault) {
        if let log, log.size > 0 { throw self.lostDatabase("there is no \(self.path)") }
        let lock = LockFile.path(forTapeAt: self.path)
        if let saved = self.saved {
            throw .unavailable(
                "there is no \(self.path): it was deleted under a hub, which saved what it held to \(saved). Rename that "
                    + "to \(self.path). To begin an empty log, move it elsewhere and remove \(lock)"
            )
        }
        if let epoch = record.epoch {
            throw .unavailable(
                "there is no \(self.path), but \(lock) says that a hub kept its tape there (epoch \(epoch)). Put the file "
                    + "back. To begin an empty log, remove \(lock)"
            )
        }
    }

    private func lostDatabase(_ what: String) -> TapeFault {
        .damaged(
            "\(what), but \(self.path)-wal has commits that belong to it; SQLite would delete them. Put the file back, or "
                + "remove \(self.path)-wal to begin without them"
        )
    }

    // MARK: Saved files

    private static let savedMark = ".saved-"

    /// The newest copy that a hub has saved of a deleted file.
    private var saved: String? {
        let url = URL(fileURLWithPath: self.path)
        let folder = url.deletingLastPathComponent()
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasPrefix(url.lastPathComponent + Self.savedMark) }.max().map { name in
            folder.appendingPathComponent(name).path
        }
    }

    /// Creates an empty file for the deleted content, and its folder if necessary.
    func makeSaved(at time: Timestamp) throws -> String {
        let stamp = time.description.prefix(19).filter { $0.isNumber || $0 == "T" }
        let saved = self.path + Self.savedMark + stamp
        let folder = URL(fileURLWithPath: self.path).deletingLastPathComponent()
        try FileManager.default.createDirectory(
            at: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        let descriptor = unsafe open(saved, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError.current }
        _ = close(descriptor)
        return saved
    }
}
