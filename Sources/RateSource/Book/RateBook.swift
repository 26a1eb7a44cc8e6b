// SPDX-License-Identifier: Apache-2.0

package import EventLog
import SafeText

/// The rate book: the state of every market, and when to publish which rate of each pair.
///
/// Of several exchanges with the same pair, the active one is the first in configuration order that is fresh: it has
/// sent quotes within its `staleAfter`, and its quote of this pair is not older than ``maxAge``. An exchange that was
/// stale becomes active again with its next new quote. Only the newest quote of a pair is kept, so memory is bounded by
/// the configuration. A pair's rate is published at most once per interval; intervals start at whole multiples of their
/// length, the same on every node.
///
/// A value type: the current time is a parameter.
package struct RateBook: Sendable {
    /// A quote received longer ago is not published, and does not make others out of date.
    package static let maxAge: Duration = .seconds(300)
    /// Maximum clock skew of an exchange ahead of the local clock.
    static let maxLead: Duration = .seconds(300)
    /// An unchanged rate is published again after this time, so that its age does not look like a failure.
    static let refresh: Duration = .seconds(15)

    struct ExchangeState: Sendable {
        let exchange: Exchange
        /// Parts of its addresses that may be an API key.
        let secrets: AddressSecrets
        /// Indices of the pairs by the exchange's own market names.
        let places: [String: Int]
        var lines: [Int: MarketState]
        /// When a quote of any market was last received.
        var heard: Timestamp
        var isStale = false
        var refusals: [Refusal: Int] = [:]
        var repeated = 0
        var committed = 0
        /// The exchange's last rejection, for operators.
        var trouble = ""
    }

    /// One market on one exchange.
    struct MarketState: Sendable {
        let market: Market
        var quotes: [Quote.Feed: Quote] = [:]
        var orders: [Quote.Feed: (order: QuoteOrder, at: Timestamp)] = [:]
        var newest = Quote.Feed.ticker
        var received: Timestamp?
        /// Whether it may be active: since the exchange was stale, a new quote was received.
        var isFresh = false
        /// Counts new quotes; and the last one that was published.
        var version = 0
        var publishedVersion = 0
        /// Digest of the last published rate, including before a restart.
        var publishedDigest: String?
        /// The numbering has restarted: the next event has no sequence number, so that it is not compared with the old
        /// ones.
        var isRenumbered = false
        /// It differs from a quote with the same time, so the time does not order them.
        var isTied = false

        /// Current quote of the market.
        var quote: Quote? {
            self.quotes[self.newest].map { quote in
                quote.completed(by: self.quotes.first { $0.key != quote.feed }?.value)
            }
        }
    }

    /// One pair, across exchanges.
    struct PairState: Sendable {
        let pair: Pair
        /// In order of preference.
        var exchanges: [Int] = []
        /// The interval in which it was last published.
        var slot: Int64?
        var published: (prices: RateEvent.Prices, at: Timestamp)?
    }

    var exchanges: [ExchangeState] = []
    var pairs: [PairState] = []
    private var soonest: Timestamp?

    /// - Parameters:
    /// - exchanges: In order of preference.
    /// - now: Start of the silence timers.
    package init(_ exchanges: [Exchange], at now: Timestamp) {
        for (index, exchange) in exchanges.enumerated() {
            var places: [String: Int] = [:]
            var lines: [Int: MarketState] = [:]
            for market in exchange.markets {
                let place = self.pairs.firstIndex { $0.pair == market.pair } ?? self.pairs.endIndex
                if place == self.pairs.endIndex { self.pairs.append(PairState(pair: market.pair)) }
                self.pairs[place].exchanges.append(index)
                lines[place] = MarketState(market: market)
                for name in exchange.dialect.names(of: market) { places[name] = places[name] ?? place }
            }
            let secrets = AddressSecrets(ofAddresses: exchange.webSockets + exchange.rests)
            self.exchanges.append(
                ExchangeState(exchange: exchange, secrets: secrets, places: places, lines: lines, heard: now)
            )
        }
    }

    // MARK: - Ingest

    /// Outcome of a message.
    package struct Verdict: Sendable, Equatable {
        /// Usable quotes of configured markets, including unchanged ones.
        package var quotes = 0
        /// Of these, the ones with new content.
        package var news = 0
        package var isLeaving = false

        package init(quotes: Int = 0, news: Int = 0, isLeaving: Bool = false) {
            self.quotes = quotes
            self.news = news
            self.isLeaving = isLeaving
        }
    }

    /// - Parameter asked: When a polled answer was requested; quotes pushed since then are newer.
    package mutating func received(
        _ incoming: [Incoming],
        from exchange: Int,
        asked: Timestamp? = nil,
        at now: Timestamp
    ) -> Verdict {
        var verdict = Verdict()
        for incoming in incoming {
            switch incoming {
            case .quote(let quote): self.take(quote, from: exchange, asked, at: now, &verdict)
            case .refused(let reason): self.exchanges[exchange].refusals[reason, default: 0] += 1
            case .rejected(let text):
                self.exchanges[exchange].trouble = self.exchanges[exchange].secrets.removed(from: text)
            case .leaving: verdict.isLeaving = true
            case .acknowledged, .alive: break
            }
        }
        return verdict
    }

    private mutating func take(
        _ quote: Quote,
        from exchange: Int,
        _ asked: Timestamp?,
        at now: Timestamp,
        _ verdict: inout Verdict
    ) {
        func refuse(_ reason: Refusal) { self.exchanges[exchange].refusals[reason, default: 0] += 1 }
        guard let place = self.exchanges[exchange].places[quote.symbol],
            var line = self.exchanges[exchange].lines[place]
        else { return refuse(.unknownPair) }
        if let time = quote.time, time > now.advanced(by: Self.maxLead) { return refuse(.fromTheFuture) }
        if quote.time == nil, quote.sequence == nil, let asked, let received = line.received, received > asked {
            return refuse(.outOfDate)
        }
        var isNew = true
        var isTied = false
        if let (order, at) = line.orders[quote.feed], now.duration(since: at) < Self.maxAge {
            switch QuoteOrder(quote).compared(to: order) {
            case .later: break
            case .same: isNew = false
            case .unknown:
                isNew = !(line.quotes[quote.feed].map { quote.saysTheSame(as: $0) } ?? false)
                isTied = line.quotes[quote.feed] != nil
            case .renumbered: line.isRenumbered = true
            case .earlier: return refuse(.outOfDate)
            }
        } else if let sequence = quote.sequence, let before = line.orders[quote.feed]?.order.sequence, sequence < before
        {
            line.isRenumbered = true
        }
        verdict.quotes += 1
        self.exchanges[exchange].heard = now
        line.received = now
        if isNew {
            verdict.news += 1
            line.quotes[quote.feed] = quote
            line.orders[quote.feed] = (QuoteOrder(quote), now)
            line.newest = quote.feed
            line.version += 1
            line.isFresh = true
            line.isTied = isTied
        } else {
            self.exchanges[exchange].repeated += 1
        }
        self.exchanges[exchange].lines[place] = line
        guard isNew, let time = self.time(of: place, at: now) else { return }
        self.soonest = min(self.soonest ?? time, time)
    }

    /// When the quotes received since the last call are due; nil if none of them is.
    mutating func takeSoonest() -> Timestamp? {
        defer { self.soonest = nil }
        return self.soonest
    }

    // MARK: - Staleness

    /// Advances the time.
    /// - Returns: The exchanges that became stale or fresh.
    package mutating func checked(at now: Timestamp) -> [Int] {
        self.exchanges.indices.filter { exchange in
            let isStale = self.isStale(exchange, at: now)
            guard isStale != self.exchanges[exchange].isStale else { return false }
            self.exchanges[exchange].isStale = isStale
            if isStale {
                for place in self.exchanges[exchange].lines.keys {
                    self.exchanges[exchange].lines[place]?.isFresh = false
                }
            }
            return true
        }
    }

    func isStale(_ exchange: Int, at now: Timestamp) -> Bool {
        now.duration(since: self.exchanges[exchange].heard) >= self.exchanges[exchange].exchange.staleAfter
    }

    /// When the next exchange becomes stale if nothing is received.
    package var nextCheck: Timestamp? {
        self.exchanges.filter { !$0.isStale }.map { $0.heard.advanced(by: $0.exchange.staleAfter) }.min()
    }
}

extension Quote {
    /// Ignoring its number and time.
    func saysTheSame(as other: Quote) -> Bool {
        var one = self
        one.time = other.time
        one.sequence = other.sequence
        return one == other
    }
}
