// SPDX-License-Identifier: Apache-2.0

package import EventLog
import SafeText

/// What is known of every market, and which rate of each pair is to be published when.
///
/// Of several exchanges that have a pair, the first in the order of the configuration speaks that is fresh: whose quotes
/// have come within its `staleAfter`, and whose quote of this pair is not older than ``maxAge``. One that was stale
/// speaks again with its next new quote. Of the quotes of a pair the newest is kept and the others are forgotten, so
/// what is held is bounded by the configuration. A pair's rate is published at most once in each of the intervals that
/// begin at whole multiples of its interval, the same for every node.
///
/// A value: time comes in as an argument.
package struct Desk: Sendable {
    /// A quote that was received longer ago is not worth telling, and does not make others out of date.
    package static let maxAge: Duration = .seconds(300)
    /// How far ahead of ours an exchange's clock may be.
    static let maxLead: Duration = .seconds(300)
    /// A rate that stays the same is told again after so long, so that its age does not look like a failure.
    static let refresh: Duration = .seconds(15)

    struct House: Sendable {
        let exchange: Exchange
        /// What of its addresses may be a key.
        let secrets: AddressSecrets
        /// Indices of the pairs by the names that the exchange uses.
        let places: [String: Int]
        var lines: [Int: Line]
        /// When a quote of any market came.
        var heard: Timestamp
        var isStale = false
        var refusals: [Refusal: Int] = [:]
        var repeated = 0
        var committed = 0
        /// What the exchange has last refused, for operators.
        var trouble = ""
    }

    /// One market on one exchange.
    struct Line: Sendable {
        let market: Market
        var quotes: [Quote.Feed: Quote] = [:]
        var orders: [Quote.Feed: (order: QuoteOrder, at: Timestamp)] = [:]
        var newest = Quote.Feed.ticker
        var received: Timestamp?
        /// It may speak: since the exchange was stale, something new has come.
        var isFresh = false
        /// Counts the new quotes; the last of them that was published.
        var version = 0
        var publishedVersion = 0
        /// Of what was published last, also before a restart.
        var publishedDigest: String?
        /// The numbers have begun anew: one event goes without, so that they are not compared with the old ones.
        var isRenumbered = false
        /// It differs from one of the same time, which it cannot be told from by that.
        var isTied = false

        /// What is known of the market by now.
        var quote: Quote? {
            self.quotes[self.newest].map { quote in
                quote.completed(by: self.quotes.first { $0.key != quote.feed }?.value)
            }
        }
    }

    /// One pair, whoever speaks.
    struct Pit: Sendable {
        let pair: Pair
        /// In the order of preference.
        var houses: [Int] = []
        /// The interval in which it was published last.
        var slot: Int64?
        var published: (prices: RateEvent.Prices, at: Timestamp)?
    }

    var houses: [House] = []
    var pits: [Pit] = []
    private var soonest: Timestamp?

    /// - Parameters:
    ///   - exchanges: In the order of preference.
    ///   - now: From when on silence counts.
    package init(_ exchanges: [Exchange], at now: Timestamp) {
        for (house, exchange) in exchanges.enumerated() {
            var places: [String: Int] = [:]
            var lines: [Int: Line] = [:]
            for market in exchange.markets {
                let place = self.pits.firstIndex { $0.pair == market.pair } ?? self.pits.endIndex
                if place == self.pits.endIndex { self.pits.append(Pit(pair: market.pair)) }
                self.pits[place].houses.append(house)
                lines[place] = Line(market: market)
                for name in exchange.dialect.names(of: market) { places[name] = places[name] ?? place }
            }
            let secrets = AddressSecrets(ofAddresses: exchange.webSockets + exchange.rests)
            self.houses.append(
                House(exchange: exchange, secrets: secrets, places: places, lines: lines, heard: now)
            )
        }
    }

    // MARK: - In

    /// What a message was worth.
    package struct Verdict: Sendable, Equatable {
        /// Quotes of wanted markets that can be used, also such that say the same as before.
        package var quotes = 0
        /// Of them, those that say something new.
        package var news = 0
        package var isLeaving = false

        package init(quotes: Int = 0, news: Int = 0, isLeaving: Bool = false) {
            self.quotes = quotes
            self.news = news
            self.isLeaving = isLeaving
        }
    }

    /// - Parameter asked: When an answer was asked for, which may have been overtaken by what came by itself since.
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

    /// When what has come since this was called last is to be published; nil if none of it is.
    mutating func takeSoonest() -> Timestamp? {
        defer { self.soonest = nil }
        return self.soonest
    }

    // MARK: - Staleness

    /// Time has passed.
    /// - Returns: The exchanges that have become stale or fresh by this.
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

    /// When the next exchange becomes stale unless something comes.
    package var nextCheck: Timestamp? {
        self.houses.filter { !$0.isStale }.map { $0.heard.advanced(by: $0.exchange.staleAfter) }.min()
    }
}

extension Quote {
    /// But for its number and time.
    func saysTheSame(as other: Quote) -> Bool {
        var one = self
        one.time = other.time
        one.sequence = other.sequence
        return one == other
    }
}
