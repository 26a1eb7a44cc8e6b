// SPDX-License-Identifier: Apache-2.0

import GRDB

/// What is damaged in a database: pages that are no pages, indexes that do not agree with their tables.
struct Examination {
    /// Findings of one table.
    static let limit = 20

    private let db: Database

    init(_ db: Database) {
        self.db = db
    }

    /// Blocks until all of the file is read.
    /// - Parameters:
    ///   - isThorough: Also compares indexes with their tables, which takes several times as long.
    ///   - limit: Findings of one table.
    /// - Returns: Nothing when nothing is wrong.
    func findings(isThorough: Bool, limit: Int) throws -> [String] {
        let check = isThorough ? "integrity_check" : "quick_check"
        let whole = try self.run("PRAGMA \(check)(\(limit))")
        guard !whole.isEmpty else { return [] }
        // Again by table, which the findings of the whole do not name.
        var findings: [String] = []
        let tables = try? String.fetchAll(
            self.db,
            sql: "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name"
        )
        for table in tables ?? [] {
            for finding in try self.run("PRAGMA \(check)('\(table.replacing("'", with: "''"))')").prefix(limit) {
                findings.append("table \(table): \(finding)")
            }
        }
        return findings.isEmpty ? whole : findings
    }

    /// Rows of a check, without what says that all is well. Damage may end the check itself.
    private func run(_ sql: String) throws -> [String] {
        var findings: [String] = []
        do {
            let rows = try String.fetchCursor(self.db, sql: sql)
            while let row = try rows.next() {
                findings += row.split(separator: "\n").map(String.init).filter { $0 != "ok" && !$0.hasPrefix("***") }
            }
        } catch let error as DatabaseError where error.isDamage {
            findings.append(error.summary)
        }
        return findings
    }
}
