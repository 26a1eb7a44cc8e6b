// SPDX-License-Identifier: Apache-2.0

/// Why a quote is rejected. Counted by reason.
package enum Refusal: String, Error, Sendable, CaseIterable {
    /// A price is an empty string.
    case empty
    /// A price is not a number, or is unreasonably long.
    case notANumber = "not-a-number"
    case zero
    case negative
    /// There is neither a last price nor both a bid and an ask.
    case noPrice = "no-price"
    /// The bid is above the ask.
    case crossed
    /// It belongs to a market that was not requested.
    case unknownPair = "unknown-pair"
    /// A later quote has been received already.
    case outOfDate = "out-of-date"
    /// Its time is minutes in the future: every correct quote would count as earlier.
    case fromTheFuture = "from-the-future"
    /// The message does not match the exchange's documentation.
    case malformed
}
