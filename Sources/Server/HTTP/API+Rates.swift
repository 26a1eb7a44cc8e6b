// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Hummingbird
import JSON

/// `GET /rate`: the current rates, from the newest `rateChange` of each pair.
extension API {
    /// Maximum number of pairs in one request.
    private static let maxPairs = 100
    private static let rowLimit = 1...1000

    /// With one `pair`: `{"pair", "rate", "bid", "ask", "exchange", "time", "age", "stale"}`. With several:
    /// `{"rates": […]}` in their order. With none: `{"rates": […], "next"}`, ascending; pass `next` as `after`.
    ///
    /// `time` is the time of the rate, by the exchange's clock if available, and `age` the milliseconds since, not
    /// below 0: an unchanged price gets older without being wrong. `stale` is true while the exchange sends no data.
    /// All members except the pair are `null` if there has never been a rate.
    func rate(_ request: Request) async throws(Problem) -> Response {
        let principal = try await self.principal(of: request)
        let query = Query(request)
        let pairs = query[all: "pair"]
        let shown: [(pair: String, rate: Rate?)]
        var next: String?
        if pairs.isEmpty {
            (shown, next) = try await self.page(query, principal)
        } else {
            guard pairs.count <= Self.maxPairs else {
                throw query.refused("pair", "given \(Self.maxPairs) times at most; this is \(pairs.count) times")
            }
            var found: [(String, Rate?)] = []
            for pair in pairs { found.append((pair, try await self.rate(of: pair, principal))) }
            shown = found
        }
        let stale = self.staleExchanges
        var writer = JSON.Writer()
        if pairs.count == 1 {
            for (pair, rate) in shown { writer.write(rate, of: pair, stale: stale) }
        } else {
            writer.beginObject()
            writer.name("rates")
            writer.beginArray()
            for (pair, rate) in shown { writer.write(rate, of: pair, stale: stale) }
            writer.endArray()
            if pairs.isEmpty { writer.member("next", orNull: next) }
            writer.endObject()
        }
        let tag = EntityTag(weak: shown.flatMap { [$0.pair] + Self.words(of: $0.rate) } + stale.sorted().map(\.text))
        return self.answer(writer, to: request, tag: tag, self.keeping(of: self.rateType))
    }

    /// The parts of a rate that do not change with time, unlike its age.
    private static func words(of rate: Rate?) -> [String] {
        guard let rate else { return [""] }
        return [
            rate.rate.description, rate.bid?.description ?? "", rate.ask?.description ?? "", rate.exchange ?? "",
            rate.updatedAt.description, String(rate.seq),
        ]
    }

    private func rate(of pair: String, _ principal: Principal?) async throws(Problem) -> Rate? {
        guard ChannelName.isValidKey(pair) else {
            throw Problem(.badRequest, code: ErrorCode.badRequest.rawValue, "\"pair\" is a pair, as in ?pair=BTC/USDT")
        }
        try self.checkReading(of: .rate, key: pair, by: principal)
        let rows = try self.rows()
        return try await self.read { () async throws(TapeFault) in try await rows.rate(of: pair) }
    }

    /// Rates ascending by pair, and the last pair when there are more.
    private func page(
        _ query: Query,
        _ principal: Principal?
    ) async throws(Problem) -> ([(pair: String, rate: Rate?)], next: String?) {
        let after = try query.text("after")
        let limit = try query.number("limit", range: Self.rowLimit) ?? 100
        // Permission depends on the type only, so it is the same for all pairs.
        try self.checkReading(of: .rate, key: "all", by: principal)
        let rows = try self.rows()
        let page = try await self.read { () async throws(TapeFault) in
            try await rows.rates(after: after, limit: limit + 1)
        }
        return (page.prefix(limit).map { ($0.pair, $0) }, page.count > limit ? page[limit - 1].pair : nil)
    }

    private var rateType: EventType? {
        self.hub.types.all.first { $0.projection == .rate }
    }

    private var staleExchanges: Set<ExactText> {
        Set(self.hub.staleSources(of: self.rateType?.name ?? "").map { ExactText($0) })
    }
}

extension JSON.Writer {
    fileprivate mutating func write(_ rate: Rate?, of pair: String, stale: Set<ExactText>) {
        self.beginObject()
        self.member("pair", string: pair)
        self.member("rate", orNull: rate?.rate.description)
        self.member("bid", orNull: rate?.bid?.description)
        self.member("ask", orNull: rate?.ask?.description)
        self.member("exchange", orNull: rate?.exchange)
        self.member("time", orNull: rate?.updatedAt.description)
        if let rate {
            let age = Timestamp.now.duration(since: rate.updatedAt)
            self.member("age", integer: max(0, age.wholeMilliseconds))
            self.member("stale", bool: rate.exchange.map { stale.contains(ExactText("rate:\($0)")) } ?? false)
        } else {
            self.member("age", .null)
            self.member("stale", .null)
        }
        self.endObject()
    }
}
