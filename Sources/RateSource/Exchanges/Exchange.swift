// SPDX-License-Identifier: Apache-2.0

/// An exchange whose rates are taken, as the configuration has it.
package struct Exchange: Sendable, Equatable {
    /// What events say in `exchange`.
    package var name: String
    package var dialect: Dialect
    package var markets: [Market]
    /// Where its WebSocket is, the preferred address first; none asks by REST only.
    package var webSockets: [String]
    /// The bases of its REST interface without a slash at the end, the preferred one first; none has the WebSocket only.
    package var rests: [String]
    /// Whether every change of the best bid and ask is heard of, not only with the ticker (Binance).
    package var hasBook = false
    /// Without a quote for so long, the source is stale and other exchanges speak.
    package var staleAfter: Duration = .seconds(15)
    /// Without any message for so long, the connection counts as dead.
    package var silence: Duration = .seconds(10)
    /// Between two rounds of requests while the WebSocket says nothing.
    package var poll: Duration = .seconds(2)
    /// How long a connection is used before another takes its place.
    package var lifetime: Duration?
    /// Between two attempts to connect: the delay is anything up to a limit that begins here, doubles, and ends there.
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
