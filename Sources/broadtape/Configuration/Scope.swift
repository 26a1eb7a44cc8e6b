// SPDX-License-Identifier: Apache-2.0

import Hub

/// Scopes as operators write them.
enum Scope {
    static let expectation = "a scope is publish:TYPE, read:TYPE, publish:*, read:* or support:read"

    static func isValid(_ scope: String) -> Bool {
        if scope == "support:read" { return true }
        let parts = scope.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 && ["publish", "read"].contains(parts[0])
            && (parts[1] == "*" || EventType.isValidName(parts[1]))
    }
}
