// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub

/// Scopes as operators write them.
enum Scope {
    static let expectation =
        "a scope is publish:TYPE, read:TYPE, publish:*, read:*, source:NAME, source:* or support:read"

    /// The default of `support-scope`.
    static let support = "support:read"

    static func isValid(_ scope: String) -> Bool {
        if scope == Self.support || scope == SourceName.anyScope { return true }
        let parts = scope.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return false }
        switch parts[0] {
        case "publish", "read": return parts[1] == "*" || EventType.isValidName(parts[1])
        // Scopes are words with blanks between, and what the hub publishes itself is nobody's to be given.
        case "source":
            let name = String(parts[1])
            return SourceName.isValid(name) && !name.contains(where: \.isWhitespace) && !SourceName.isReserved(name)
        default: return false
        }
    }
}
