// SPDX-License-Identifier: Apache-2.0

/// The token of an `Authorization: Bearer` field (RFC 6750 §2.1).
struct BearerToken {
    let token: String

    /// Nil unless the field's value has the Bearer scheme.
    init?(_ field: String) {
        let parts = field.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        let token = parts[1].drop { $0 == " " }
        guard !token.isEmpty else { return nil }
        self.token = String(token)
    }
}
