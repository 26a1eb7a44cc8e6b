// SPDX-License-Identifier: Apache-2.0

/// A pair on one exchange.
package struct Market: Sendable, Equatable {
    package var pair: Pair
    /// The exchange's name of it; nil for the one that follows from the pair.
    package var symbol: String?
    /// At most one rate is published in this time.
    package var interval: Duration

    package init(pair: Pair, symbol: String? = nil, interval: Duration = .seconds(1)) {
        self.pair = pair
        self.symbol = symbol
        self.interval = interval
    }
}
