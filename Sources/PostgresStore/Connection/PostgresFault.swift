// SPDX-License-Identifier: Apache-2.0

import EventLog

/// Why the database did not execute a command.
enum PostgresFault: Error, Sendable, Equatable {
    /// The server refused a command, by SQLSTATE; the transaction has failed, but the connection can still be used.
    case refused(state: String, message: String)
    /// The connection was lost, or closed because the server did not respond in time.
    case lost(String)
    /// The result is not what this program stores.
    case unexpected(String)

    /// Whether an immediate retry may succeed, because another node was in conflict or has changed the partitions
    /// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
    var isRace: Bool {
        guard case .refused(let state, _) = self else { return false }
        return switch state {
        // Unique violation, serialization failure, deadlock, a partition that was dropped, a partition that was closed.
        case "23505", "40001", "40P01", "42P01", "23514": true
        default: false
        }
    }

    /// Whether a partition is missing, because another node has dropped it.
    var isMissingTable: Bool {
        if case .refused("42P01", _) = self { true } else { false }
    }

    /// The corresponding fault of the tape, if nothing was changed.
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

    /// ``tapeFault`` for stored content, which may be the cause.
    var storingFault: TapeFault {
        guard case .refused(let state, let message) = self, state != Self.uniqueViolation,
            let kind = Self.content[String(state.prefix(2))]
        else { return self.tapeFault }
        let detail = "Postgres: \(message) (SQLSTATE \(state))"
        return .refused(ContentRefusal(kind: "SQLSTATE \(state), \(kind)", detail: detail))
    }

    /// Keys are assigned by the hub: only a damaged or restored database has a duplicate, which is not the publisher's
    /// fault.
    private static let uniqueViolation = "23505"

    /// SQLSTATE classes caused by the content, with a description: the same content will be refused again, and the
    /// database is healthy.
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
