// SPDX-License-Identifier: Apache-2.0

import EventLog

/// Why what is committed to an open file might not be found by the next hub.
enum TapeLoss: Sendable, Equatable {
    /// The path cannot be looked at.
    case unreachable(SystemError)
    /// The path leads to nothing or to another file, and the one that is open still has a name somewhere.
    case moved
    /// The file that is open has no name any more.
    case deleted
    /// The write-ahead log or its index was deleted or replaced; by the end of its name.
    case logDeleted(String)
    /// Something that is not SQLite has cut the file short.
    case shortened
    /// Something that is not SQLite has written to the file.
    case overwritten
    /// Another program has put other content into the database.
    case exchanged(String)
    /// SQLite has found that the file contradicts itself, or that the disk cannot read it.
    case damaged(String)

    /// Whether it is over when the file can be found under its name again.
    var passes: Bool {
        switch self {
        case .unreachable, .moved: true
        case .deleted, .logDeleted, .shortened, .overwritten, .exchanged, .damaged: false
        }
    }

    /// Whether the file that is open is whole, so that the write-ahead log can be written back into it.
    var leavesFileWhole: Bool {
        switch self {
        case .moved, .deleted, .logDeleted: true
        case .unreachable, .shortened, .overwritten, .exchanged, .damaged: false
        }
    }

    /// Why what is under the name has to be examined as a whole before it is used again, if it has.
    var markUncertain: String? {
        switch self {
        case .shortened: "it was cut short while a hub had it open"
        case .overwritten: "it was written over while a hub had it open"
        case .damaged(let what): what
        case .unreachable, .moved, .deleted, .logDeleted, .exchanged: nil
        }
    }

    /// What has happened and what to do, for the operator.
    func text(_ path: String) -> String {
        switch self {
        case .unreachable(let error):
            "\(path) cannot be accessed (\(error)), so nothing is committed; the hub recovers by itself once it can"
        case .moved:
            "the database file is not \(path) any more: it or its folder was renamed, or another file was put in its "
                + "place. Nothing is committed until it is back under its name; the hub recovers by itself then"
        case .deleted:
            "the database file \(path) was deleted, or another file was put in its place, while the hub had it open. "
                + "Nothing is committed any more; the hub has to be restarted once the right file is in place"
        case .logDeleted(let suffix):
            "\(path)\(suffix), which belongs to the database file, was deleted or replaced while the hub had it open. "
                + "Nothing is committed any more; restart the hub"
        case .shortened:
            "the database file \(path) was cut short by another program while the hub had it open. "
                + Self.repair(path)
        case .overwritten:
            "another program wrote over the database file \(path) while the hub had it open, such as cp of a backup. "
                + Self.repair(path)
        case .exchanged(let what):
            "another program has put other content into the database \(path): \(what). Nothing is committed any more; "
                + "nobody else may write to it. Put the right content in place and restart the hub"
        case .damaged(let what):
            "the database file \(path) is damaged (\(what)). Nothing is committed any more. Stop the hub, see what is "
                + "damaged with `broadtape verify`, and put a backup in place"
        }
    }

    private static func repair(_ path: String) -> String {
        "Nothing is committed any more, and what was in the file may be lost. Stop the hub, put a backup in place, remove "
            + "\(path)-wal and \(path)-shm, which do not belong to it, and start again"
    }

    func fault(_ path: String) -> TapeFault {
        self.passes ? .unavailable(self.text(path)) : .damaged(self.text(path))
    }
}
