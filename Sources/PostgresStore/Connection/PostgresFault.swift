// SPDX-License-Identifier: Apache-2.0

import EventLog

/// Why the database did not do what it was sent.
enum PostgresFault: Error, Sendable, Equatable {
    /// The server refused a command, by SQLSTATE; the transaction has failed and the connection goes on.
    case refused(state: String, message: String)
    /// The connection is gone, or was given up because the server did not answer in time.
    case lost(String)
    /// What came back is not what this program stores.
    case unexpected(String)

    /// Whether the same may succeed when it is done again at once: another node was in the way, or has changed the
    /// partitions (https://www.postgresql.org/docs/current/errcodes-appendix.html).
    var isRace: Bool {
        guard case .refused(let state, _) = self else { return false }
        return switch state {
        // Unique violation, serialization failure, deadlock, a partition that was dropped, a partition that was closed.
        case "23505", "40001", "40P01", "42P01", "23514": true
        default: false
        }
    }

    /// A partition that another node has dropped or that is gone.
    var isMissingTable: Bool {
        if case .refused("42P01", _) = self { true } else { false }
    }

    /// What it means to those who use the tape, when nothing was changed.
    var tapeFault: TapeFault {
        switch self {
        case .lost(let text): .unavailable("Postgres: \(text)")
        case .unexpected(let text): .damaged("Postgres: \(text)")
        case .refused(let state, let message):
            Self.passing.contains(String(state.prefix(2)))
                ? .unavailable("Postgres: \(message) (SQLSTATE \(state))")
                : .damaged("Postgres: \(message) (SQLSTATE \(state))")
        }
    }

    /// ``tapeFault`` for what was to be stored, whose content may be at fault.
    var storingFault: TapeFault {
        guard case .refused(let state, let message) = self, state != Self.uniqueViolation,
            let kind = Self.content[String(state.prefix(2))]
        else { return self.tapeFault }
        let detail = "Postgres: \(message) (SQLSTATE \(state))"
        return .refused(ContentRefusal(kind: "SQLSTATE \(state), \(kind)", detail: detail))
    }

    /// Keys are the hub's own: only a damaged or restored database has one twice, and no publisher can help that.
    private static let uniqueViolation = "23505"

    /// Classes of SQLSTATE whose cause is what was to be stored, and what to call it: the same will be refused again, and
    /// nothing is wrong with the database.
    private static let content = [
        "09": "a trigger of the database", "21": "a value that comes twice",
        "22": "a value that the database cannot hold", "23": "a constraint of the database",
        "27": "a trigger of the database", "44": "a constraint of the database", "54": "a limit of the database",
        "P0": "a trigger of the database",
    ]

    /// Classes of SQLSTATE whose cause lies outside of what is stored: connection, transaction state (a standby is
    /// read-only), authorization, no such database, rollback, resources, not in the right state, operator intervention,
    /// system.
    private static let passing: Set<String> = ["08", "25", "28", "3D", "40", "53", "55", "57", "58"]
}
