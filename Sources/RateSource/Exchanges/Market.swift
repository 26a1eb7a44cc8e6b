// SPDX-License-Identifier: Apache-2.0

/// A pair on one exchange.
package struct Market: Sendable, Equatable {
    package var pair: Pair
    /// The exchange's name of the market; nil to derive it from the pair.
    package var symbol: String?
    /// Minimum interval between two published rates.
    package var interval: Duration

    package init(pair: Pair, symbol: String? = nil, interval: Duration = .seconds(1)) {
        self.pair = pair
        self.symbol = symbol
        self.interval = interval
    }
}
