// SPDX-License-Identifier: Apache-2.0

/// An exchange that rates are read from, as configured.
package struct Exchange: Sendable, Equatable {
    /// The value of `exchange` in events.
    package var name: String
    package var dialect: Dialect
    package var markets: [Market]
    /// WebSocket URLs in order of preference; if empty, only REST is polled.
    package var webSockets: [String]
    /// Base URLs of the REST API without a trailing slash, in order of preference; if empty, only the WebSocket is
    /// used.
    package var rests: [String]
    /// Whether every change of the best bid and ask is received, not only the ticker (Binance).
    package var hasBook = false
    /// Time without a quote after which the source is stale and another exchange takes over.
    package var staleAfter: Duration = .seconds(15)
    /// Time without any message after which the connection counts as dead.
    package var silence: Duration = .seconds(10)
    /// Interval between two polling rounds while the WebSocket is silent.
    package var poll: Duration = .seconds(2)
    /// Lifetime of a connection before it is replaced.
    package var lifetime: Duration?
    /// Reconnect delay: random, up to a limit that starts at the lower bound and doubles up to the upper one.
    package var retry: ClosedRange<Duration> = .milliseconds(500) ... .seconds(30)

    package init(name: String, dialect: Dialect, markets: [Market]) {
        self.name = name
        self.dialect = dialect
        self.markets = markets
        self.webSockets = [dialect.webSocket]
        self.rests = [dialect.rest]
        self.lifetime = dialect.lifetime
    }

    /// The `source` of its events.
    package var source: String { "rate:\(self.name)" }

    var symbols: [String] {
        self.markets.map { $0.symbol ?? self.dialect.symbol(of: $0.pair) }
    }
}
