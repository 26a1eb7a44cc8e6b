// SPDX-License-Identifier: Apache-2.0

/// When to replace a token.
enum Expiry {
    /// Milliseconds from now until a token should be replaced: when a fifth of its lifetime is left, but not more than half
    /// a minute before its end.
    ///
    /// Nil when the time cannot be read or has come.
    ///
    /// - Parameter now: Milliseconds since 1970.
    static func refreshDelay(expires: String, now: Int) -> Int? {
        guard let end = UTCTime(expires), end.nanoseconds / 1_000_000 > now else { return nil }
        let left = Int(end.nanoseconds / 1_000_000) - now
        return max(left * 4 / 5, left - 30_000)
    }
}
