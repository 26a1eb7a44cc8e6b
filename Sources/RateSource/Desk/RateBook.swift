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
        var houses: [Int] = []
        /// The interval in which it was last published.
        var slot: Int64?
        var published: (prices: RateEvent.Prices, at: Timestamp)?
    }

    var houses: [ExchangeState] = []
    var pits: [PairState] = []
    private var soonest: Timestamp?

    /// - Parameters:
    /// - exchanges: In order of preference.
    /// - now: Start of the silence timers.
    package init(_ exchanges: [Exchange], at now: Timestamp) {
        for (house, exchange) in exchanges.enumerated() {
            var places: [String: Int] = [:]
            var lines: [Int: MarketState] = [:]
            for market in exchange.markets {
                let place = self.pits.firstIndex { $0.pair == market.pair } ?? self.pits.endIndex
                if place == self.pits.endIndex { self.pits.append(PairState(pair: market.pair)) }
                self.pits[place].houses.append(house)
                lines[place] = MarketState(market: market)
                for name in exchange.dialect.names(of: market) { places[name] = places[name] ?? place }
            }
            let secrets = AddressSecrets(ofAddresses: exchange.webSockets + exchange.rests)
            self.houses.append(
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
        from house: Int,
        asked: Timestamp? = nil,
        at now: Timestamp
    ) -> Verdict {
        var verdict = Verdict()
        for incoming in incoming {
            switch incoming {
            case .quote(let quote): self.take(quote, from: house, asked, at: now, &verdict)
            case .refused(let reason): self.houses[house].refusals[reason, default: 0] += 1
            case .rejected(let text): self.houses[house].trouble = self.houses[house].secrets.removed(from: text)
            case .leaving: verdict.isLeaving = true
            case .acknowledged, .alive: break
            }
        }
        return verdict
    }

    private mutating func take(
        _ quote: Quote,
        from house: Int,
        _ asked: Timestamp?,
        at now: Timestamp,
        _ verdict: inout Verdict
    ) {
        func refuse(_ reason: Refusal) { self.houses[house].refusals[reason, default: 0] += 1 }
        guard let place = self.houses[house].places[quote.symbol], var line = self.houses[house].lines[place] else {
            return refuse(.unknownPair)
        }
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
        self.houses[house].heard = now
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
            self.houses[house].repeated += 1
        }
        self.houses[house].lines[place] = line
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
        self.houses.indices.filter { house in
            let isStale = self.isStale(house, at: now)
            guard isStale != self.houses[house].isStale else { return false }
            self.houses[house].isStale = isStale
            if isStale {
                for place in self.houses[house].lines.keys { self.houses[house].lines[place]?.isFresh = false }
            }
            return true
        }
    }

    func isStale(_ house: Int, at now: Timestamp) -> Bool {
        now.duration(since: self.houses[house].heard) >= self.houses[house].exchange.staleAfter
    }

    /// When the next exchange becomes stale if nothing is received.
    package var nextCheck: Timestamp? {
        self.houses.filter { !$0.isStale }.map { $0.heard.advanced(by: $0.exchange.staleAfter) }.min()
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
