// SPDX-License-Identifier: Apache-2.0

import EventLog
import GRDB

extension TapeFault {
    /// The fault for an error before `COMMIT`; the transaction is rolled back.
    init(before error: any Error) {
        if let fault = error as? TapeFault {
            self = fault
        } else if let error = error as? DatabaseError {
            self = Self.isPassing(error.resultCode) ? .unavailable(error.summary) : .damaged(error.summary)
        } else {
            self = .unavailable("\(error)")
        }
    }

    /// Like ``init(before:)`` for stored content, which may be the cause. A duplicate key is not caused by content:
    /// keys are assigned by the hub, and only a damaged or restored file has a duplicate.
    init(storing error: any Error) {
        let database = error as? DatabaseError
        switch (database?.resultCode, database?.extendedResultCode) {
        case (_, .SQLITE_CONSTRAINT_UNIQUE), (_, .SQLITE_CONSTRAINT_PRIMARYKEY): self.init(before: error)
        case (.SQLITE_TOOBIG, _): self = Self.refusal(error, "a limit of the database")
        case (.SQLITE_CONSTRAINT, _), (.SQLITE_MISMATCH, _):
            self = Self.refusal(error, "a constraint of the database")
        default: self.init(before: error)
        }
    }

    private static func refusal(_ error: any Error, _ kind: String) -> TapeFault {
        guard let error = error as? DatabaseError else { return TapeFault(before: error) }
        let code = error.extendedResultCode.rawValue
        return .refused(ContentRefusal(kind: "SQLite \(code), \(kind)", detail: error.summary))
    }

    /// The fault for a failure of `COMMIT` itself.
    ///
    /// In WAL mode, `COMMIT` writes the transaction's frames, the one that marks its end last, and then syncs. If the
    /// disk is full, the last frame is incomplete, so nothing is committed. After any other failed write or sync it may
    /// be in the file with a valid checksum: this process ignores it and overwrites it with the next transaction, but a
    /// crash before that would restore it (https://www.sqlite.org/walformat.html#recovery).
    init(during error: any Error) {
        if let error = error as? DatabaseError, error.resultCode == .SQLITE_IOERR {
            self = .outcomeUnknown(error.summary)
        } else {
            self.init(before: error)
        }
    }

    /// Whether the cause is not the stored content.
    private static func isPassing(_ code: ResultCode) -> Bool {
        let passing: [ResultCode] = [
            .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_READONLY,
            .SQLITE_NOMEM, .SQLITE_INTERRUPT, .SQLITE_ABORT, .SQLITE_PERM, .SQLITE_PROTOCOL, .SQLITE_MISUSE,
        ]
        return passing.contains(code)
    }
}

extension DatabaseError {
    /// Whether the stored data is inconsistent, or the disk cannot read it.
    var isDamage: Bool {
        [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(self.resultCode) || self.extendedResultCode == Self.unreadable
    }

    /// `SQLITE_IOERR_CORRUPTFS`: a read failed with `EIO` or outside of the device
    /// (https://www.sqlite.org/rescode.html#ioerr_corruptfs).
    private static let unreadable = ResultCode(rawValue: 10 | 33 << 8)

    /// The error of SQLite with its extended code, without arguments, which may be confidential.
    var summary: String {
        "SQLite: \(self.message ?? "no message") (code \(self.extendedResultCode.rawValue))"
    }
}
