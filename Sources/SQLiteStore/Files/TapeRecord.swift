// SPDX-License-Identifier: Apache-2.0

import JSON

/// What a lock file remembers of the tape beside it, so that the next hub notices what happened in between.
struct TapeRecord: Sendable, Equatable {
    /// Nil where no hub has had a tape here.
    var epoch: String?
    /// The file that was the database.
    var database: String?
    /// The file that was its write-ahead log.
    var log: String?
    /// The newest event, by its row, when this was written.
    var last: Int?
    /// Why the content has to be examined as a whole before it is used.
    var markUncertain: String?

    init() {}

    /// Reads lines of a name and a value, and ignores all others.
    init(parsing text: String) {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let value = String(parts[1])
            switch parts[0] {
            case "epoch": self.epoch = value
            case "database": self.database = value
            case "log": self.log = value
            case "last": self.last = Int(decimal: value, in: .seq)
            case "doubt": self.markUncertain = value
            default: break
            }
        }
    }

    var text: String {
        let lines = [
            ("epoch", self.epoch), ("database", self.database), ("log", self.log), ("last", self.last.map(String.init)),
            ("doubt", self.markUncertain?.replacing("\n", with: " ")),
        ]
        return lines.compactMap { name, value in value.map { "\(name) \($0)\n" } }.joined()
    }
}
