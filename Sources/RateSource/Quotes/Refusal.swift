// SPDX-License-Identifier: Apache-2.0

/// Why a quote is not used. Counted by reason.
package enum Refusal: String, Error, Sendable, CaseIterable {
    /// A price is an empty string.
    case empty
    /// A price is not a number, or not a number of a length that anybody could mean.
    case notANumber = "not-a-number"
    case zero
    case negative
    /// There is neither a last price nor both a bid and an ask.
    case noPrice = "no-price"
    /// The bid is above the ask.
    case crossed
    /// It is of a market that nobody asked for.
    case unknownPair = "unknown-pair"
    /// A later one has been had already.
    case outOfDate = "out-of-date"
    /// The exchange dates it minutes ahead: nothing that is right would count as later than it.
    case fromTheFuture = "from-the-future"
    /// The message is not what the exchange's documentation says.
    case malformed
}
