// SPDX-License-Identifier: Apache-2.0

import Hub
import Hummingbird
import JSON

/// `GET /rate`: the last rates, as the newest `rateChange` of each pair says.
extension API {
    /// Pairs named in one request.
    private static let maxPairs = 100
    private static let rowLimit = 1...1000

    /// With one `pair`: `{"pair", "rate", "bid", "ask", "exchange", "time", "age", "stale"}`. With several:
    /// `{"rates": […]}` in their order. With none: `{"rates": […], "next"}`, ascending; `next` goes into `after`.
    ///
    /// `time` is when the rate was made, by the exchange's clock where it tells, and `age` the milliseconds since, not
    /// below 0: a price that stands gets older without being wrong. `stale` says that nothing is heard from that
    /// exchange any more. All but the pair are `null` when there never was a rate.
    func rate(_ request: Request) async throws(Problem) -> Response {
        let principal = try await self.principal(of: request)
        let query = Query(request)
        let pairs = query[all: "pair"]
        var writer = JSON.Writer()
        if let pair = pairs.first, pairs.count == 1 {
            writer.write(try await self.rate(of: pair, principal), of: pair, stale: self.staleExchanges)
            return Response(json: writer)
        }
        writer.beginObject()
        writer.name("rates")
        writer.beginArray()
        if pairs.isEmpty {
            let next = try await self.write(query, principal, to: &writer)
            writer.endArray()
            writer.member("next", orNull: next)
        } else {
            guard pairs.count <= Self.maxPairs else {
                throw query.refused("pair", "given \(Self.maxPairs) times at most; this is \(pairs.count) times")
            }
            for pair in pairs {
                writer.write(try await self.rate(of: pair, principal), of: pair, stale: self.staleExchanges)
            }
            writer.endArray()
        }
        writer.endObject()
        return Response(json: writer)
    }

    private func rate(of pair: String, _ principal: Principal?) async throws(Problem) -> Rate? {
        guard ChannelName.isValidKey(pair) else {
            throw Problem(.badRequest, code: ErrorCode.badRequest.rawValue, "\"pair\" is a pair, as in ?pair=BTC/USDT")
        }
        try self.checkReading(of: .rate, key: pair, by: principal)
        let rows = try self.rows()
        return try await self.read { () async throws(TapeFault) in try await rows.rate(of: pair) }
    }

    /// - Returns: The last pair when there are more.
    private func write(
        _ query: Query,
        _ principal: Principal?,
        to writer: inout JSON.Writer
    ) async throws(Problem) -> String? {
        let after = try query.text("after")
        let limit = try query.number("limit", range: Self.rowLimit) ?? 100
        // Whoever may read the rate of one pair may read those of all: it is a matter of the type.
        try self.checkReading(of: .rate, key: "all", by: principal)
        let rows = try self.rows()
        let page = try await self.read { () async throws(TapeFault) in
            try await rows.rates(after: after, limit: limit + 1)
        }
        for rate in page.prefix(limit) {
            writer.write(rate, of: rate.pair, stale: self.staleExchanges)
        }
        return page.count > limit ? page[limit - 1].pair : nil
    }

    private var staleExchanges: Set<String> {
        let name = self.hub.types.all.first { $0.projection == .rate }?.name ?? ""
        return Set(self.hub.staleSources(of: name))
    }
}

extension JSON.Writer {
    fileprivate mutating func write(_ rate: Rate?, of pair: String, stale: Set<String>) {
        self.beginObject()
        self.member("pair", string: pair)
        self.member("rate", orNull: rate?.rate.description)
        self.member("bid", orNull: rate?.bid?.description)
        self.member("ask", orNull: rate?.ask?.description)
        self.member("exchange", orNull: rate?.exchange)
        self.member("time", orNull: rate?.updatedAt.description)
        if let rate {
            let age = Timestamp.now.duration(since: rate.updatedAt) / .milliseconds(1)
            self.member("age", integer: max(0, Int(age)))
            self.member("stale", bool: rate.exchange.map { stale.contains("rate:\($0)") } ?? false)
        } else {
            self.member("age", .null)
            self.member("stale", .null)
        }
        self.endObject()
    }
}
