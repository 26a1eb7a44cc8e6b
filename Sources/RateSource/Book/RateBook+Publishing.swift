// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON

/// Selects the quotes to publish.
extension RateBook {
    /// A rate that is due.
    package struct Offer: Sendable, Equatable {
        /// Index of the exchange.
        package let exchange: Int
        package let rate: RateEvent
        let place: Int
        let slot: Int64
        let version: Int
    }

    /// The rates that are due now, at most one per pair.
    package mutating func due(at now: Timestamp) -> [Offer] {
        self.pairs.indices.compactMap { self.offer(of: $0, at: now) }
    }

    /// Called when the rates of some exchanges were committed.
    package mutating func published(_ offers: [Offer], at now: Timestamp) {
        for offer in offers {
            self.pairs[offer.place].slot = offer.slot
            self.pairs[offer.place].published = (offer.rate.prices, now)
            self.exchanges[offer.exchange].committed += 1
            self.exchanges[offer.exchange].lines[offer.place]?.publishedVersion = offer.version
            self.exchanges[offer.exchange].lines[offer.place]?.publishedDigest = offer.rate.digest
            self.exchanges[offer.exchange].lines[offer.place]?.isRenumbered = false
            self.exchanges[offer.exchange].lines[offer.place]?.isTied = false
        }
    }

    /// Time of the next known work: a rate to publish, or a source that becomes stale.
    package func nextDue(after now: Timestamp) -> Timestamp? {
        let times = self.pairs.indices.compactMap { self.time(of: $0, at: now) }
        return (times + [self.nextCheck].compactMap(\.self)).min()
    }

    /// When the next rate of a pair is due; nil when there is nothing new.
    func time(of place: Int, at now: Timestamp) -> Timestamp? {
        guard let (exchange, line) = self.activeExchange(of: place, at: now), line.version > line.publishedVersion,
            let quote = line.quote, let prices = RateEvent.Prices(quote, on: self.exchanges[exchange].exchange)
        else { return nil }
        var time = now
        if let last = self.pairs[place].slot, Self.slot(at: now, line.market.interval) <= last {
            time = Self.beginning(ofSlot: last + 1, line.market.interval)
        }
        if let published = self.pairs[place].published, prices == published.prices {
            time = max(time, published.at.advanced(by: Self.refresh))
        }
        return time
    }

    private mutating func offer(of place: Int, at now: Timestamp) -> Offer? {
        guard let time = self.time(of: place, at: now), time <= now,
            let (exchange, line) = self.activeExchange(of: place, at: now), let quote = line.quote
        else { return nil }
        let slot = Self.slot(at: now, line.market.interval)
        let rate = RateEvent(
            quote,
            of: self.pairs[place].pair,
            on: self.exchanges[exchange].exchange,
            slot: line.isTied ? slot : nil,
            fallback: slot,
            omitsSequence: line.isRenumbered
        )
        guard let rate, rate.digest != line.publishedDigest else {
            // The same quote that was published last, possibly before a restart.
            self.exchanges[exchange].lines[place]?.publishedVersion = line.version
            return nil
        }
        return Offer(exchange: exchange, rate: rate, place: place, slot: slot, version: line.version)
    }

    /// The active exchange of a pair: the first that is fresh.
    private func activeExchange(of place: Int, at now: Timestamp) -> (exchange: Int, line: MarketState)? {
        for exchange in self.pairs[place].exchanges {
            guard let line = self.exchanges[exchange].lines[place], line.isFresh, let received = line.received,
                now.duration(since: received) < Self.maxAge, !self.isStale(exchange, at: now), line.quote?.last != nil
            else { continue }
            return (exchange, line)
        }
        return nil
    }

    private static func slot(at now: Timestamp, _ interval: Duration) -> Int64 {
        now.nanoseconds / Self.nanoseconds(interval)
    }

    private static func beginning(ofSlot slot: Int64, _ interval: Duration) -> Timestamp {
        let (time, isOver) = slot.multipliedReportingOverflow(by: Self.nanoseconds(interval))
        return Timestamp(nanoseconds: isOver ? .max : time)
    }

    private static func nanoseconds(_ interval: Duration) -> Int64 {
        Int64(clamping: interval / .nanoseconds(1), to: 1_000_000...Int64.max)
    }

    // MARK: - Checkpoint

    /// Prefix of the entry names of a market: the position of its published quotes.
    private static let prefix = "market/"

    /// Checkpoint entries of published rates.
    package func entries(for offers: [Offer], at now: Timestamp) -> [SourceEntry] {
        offers.compactMap { offer in
            guard let line = self.exchanges[offer.exchange].lines[offer.place] else { return nil }
            var writer = JSON.Writer(reservingCapacity: 128)
            writer.beginObject()
            for (feed, (order, at)) in line.orders.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                writer.name(feed.rawValue)
                writer.beginObject()
                if let sequence = order.sequence { writer.member("sequence", integer: sequence) }
                if let time = order.time { writer.member("time", integer: time.nanoseconds) }
                writer.member("received", integer: at.nanoseconds)
                writer.endObject()
            }
            writer.member("digest", string: offer.rate.digest)
            writer.member("rate", string: offer.rate.prices.last.description)
            if let bid = offer.rate.prices.bid { writer.member("bid", string: bid.description) }
            if let ask = offer.rate.prices.ask { writer.member("ask", string: ask.description) }
            writer.member("published", integer: now.nanoseconds)
            writer.endObject()
            return SourceEntry(name: "\(Self.prefix)\(offer.rate.pair)", value: writer.bytes)
        }
    }

    /// Restores the checkpoint of an exchange, possibly written by another node. Older quotes are out of date.
    package mutating func restore(_ entries: [SourceEntry], of exchange: Int, at now: Timestamp) {
        let hasReceived = self.exchanges[exchange].lines.values.contains { $0.received != nil }
        if StaleMarker.isStale(entries), !hasReceived {
            // It was stale before, and remains so until a quote is received.
            self.exchanges[exchange].isStale = true
            self.exchanges[exchange].heard = now.advanced(by: .zero - self.exchanges[exchange].exchange.staleAfter)
        }
        for entry in entries {
            guard let name = entry.name.rest(after: Self.prefix), let pair = Pair(name),
                let place = self.pairs.firstIndex(where: { $0.pair == pair }),
                let value = try? JSON.Value.parse(entry.value)
            else { continue }
            self.exchanges[exchange].lines[place]?.publishedDigest = value["digest"]?.string
            self.restorePrices(value, of: exchange, at: place)
            for feed in Quote.Feed.allCases {
                guard let order = value[feed.rawValue], let received = order["received"]?.integer(in: .unlimited) else {
                    continue
                }
                let time = order["time"]?.integer(in: .unlimited).map { Timestamp(nanoseconds: Int64(clamping: $0)) }
                // A quote received in the meantime is later.
                guard self.exchanges[exchange].lines[place]?.orders[feed] == nil else { continue }
                self.exchanges[exchange].lines[place]?.orders[feed] = (
                    QuoteOrder(sequence: order["sequence"]?.integer(in: .seq), time: time),
                    Timestamp(nanoseconds: Int64(clamping: received))
                )
            }
        }
    }

    private mutating func restorePrices(_ value: JSON.Value, of exchange: Int, at place: Int) {
        guard let last = QuoteReader.figure(value["rate"]), let published = value["published"]?.integer(in: .unlimited)
        else { return }
        let time = Timestamp(nanoseconds: Int64(clamping: published))
        // With several exchanges, the last one that was published.
        if let known = self.pairs[place].published, known.at >= time { return }
        let prices = RateEvent.Prices(
            exchange: self.exchanges[exchange].exchange.name,
            last: last,
            bid: QuoteReader.figure(value["bid"]),
            ask: QuoteReader.figure(value["ask"])
        )
        self.pairs[place].published = (prices, time)
    }

    // MARK: - State

    /// State of an exchange.
    package func report(of exchange: Int, at now: Timestamp) -> SourceReport {
        let state = self.exchanges[exchange]
        return SourceReport(
            name: state.exchange.source,
            types: ["rateChange"],
            state: state.isStale ? .stale : .following,
            events: state.committed,
            lag: now.duration(since: state.heard),
            trouble: state.trouble,
            refusals: state.refusals.reduce(into: [:]) { $0[$1.key.rawValue] = $1.value }
        )
    }
}
