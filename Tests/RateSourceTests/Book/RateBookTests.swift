// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON
import RateSource
import Testing

struct RateBookTests {
    private static func book(_ exchanges: Exchange...) -> RateBook {
        RateBook(exchanges, at: at(0))
    }

    /// What is published at a time, as `exchange rate`.
    private static func publish(_ book: inout RateBook, at now: Timestamp) -> [String] {
        let offers = book.due(at: now)
        book.published(offers, at: now)
        return offers.map { offer in
            let data = try? JSON.Value.parse(offer.rate.event.data)
            return "\(data?["exchange"]?.string ?? "") \(data?["rate"]?.string ?? "")"
        }
    }

    @Test func newestOfAnIntervalIsPublishedOnce() throws {
        var book = Self.book(try exchange("a"))
        #expect(book.received([ticker("1", time: at(0))], from: 0, at: at(0.1)) == .init(quotes: 1, news: 1))
        #expect(book.nextDue(after: at(0.1)) == at(0.1))
        #expect(Self.publish(&book, at: at(0.1)) == ["a 1"])
        for step in 2...9 {
            _ = book.received([ticker("\(step)", time: at(Double(step) / 10))], from: 0, at: at(Double(step) / 10))
            #expect(Self.publish(&book, at: at(Double(step) / 10)) == [])
        }
        // Intervals begin at whole seconds, for every node.
        #expect(book.nextDue(after: at(0.95)) == at(1))
        #expect(Self.publish(&book, at: at(1)) == ["a 9"])
        #expect(Self.publish(&book, at: at(2)) == [])
        #expect(book.nextDue(after: at(2)) == at(15.9))
    }

    @Test func outOfDateOnesAreDropped() throws {
        var book = Self.book(try exchange("a", .coinbase))
        let symbol = "BTC-USDT"
        #expect(book.received([ticker(symbol, "5", time: at(5), sequence: 50)], from: 0, at: at(6)).news == 1)
        // By number, by time where one has none; the same number is the same quote.
        #expect(book.received([ticker(symbol, "4", time: at(4), sequence: 49)], from: 0, at: at(6)) == .init())
        #expect(book.received([ticker(symbol, "4", time: at(4))], from: 0, at: at(6)) == .init())
        #expect(book.received([ticker(symbol, "5", time: at(5), sequence: 50)], from: 0, at: at(6)) == .init(quotes: 1))
        // The same time by REST with the same content, and with another bid.
        #expect(book.received([ticker(symbol, "5", time: at(5))], from: 0, at: at(6)) == .init(quotes: 1))
        #expect(book.received([ticker(symbol, "5", bid: "4", time: at(5))], from: 0, at: at(6)).news == 1)
        #expect(book.received([ticker(symbol, "6", time: at(6), sequence: 51)], from: 0, at: at(6)).news == 1)
        #expect(book.report(of: 0, at: at(6)).refusals == ["out-of-date": 2])
        #expect(Self.publish(&book, at: at(6)) == ["a 6"])
    }

    /// Without a number and a time only the content tells: what comes back later is new.
    @Test func sameRateComesBack() throws {
        var book = Self.book(try exchange("a", .kraken))
        var ids: Set<String> = []
        for (index, last) in ["1", "2", "1"].enumerated() {
            let now = at(Double(index))
            #expect(book.received([ticker("BTC/USDT", last)], from: 0, at: now).news == 1)
            #expect(book.received([ticker("BTC/USDT", last)], from: 0, at: now) == .init(quotes: 1))
            let offers = book.due(at: now)
            book.published(offers, at: now)
            ids.formUnion(offers.map(\.rate.event.id))
        }
        #expect(ids.count == 3)
    }

    /// Asked for before the WebSocket said something newer, and without a number or time to tell by.
    @Test func overtakenAnswerIsDropped() throws {
        var book = Self.book(try exchange("a", .kraken))
        #expect(book.received([ticker("BTC/USDT", "2")], from: 0, at: at(2)).news == 1)
        #expect(book.received([ticker("BTC/USDT", "1")], from: 0, asked: at(1), at: at(3)) == .init())
        #expect(book.received([ticker("BTC/USDT", "3")], from: 0, asked: at(2.5), at: at(3)).news == 1)
        #expect(book.report(of: 0, at: at(3)).refusals == ["out-of-date": 1])
    }

    @Test func uselessOnesAreCounted() throws {
        var book = Self.book(try exchange("a"))
        let incoming: [Incoming] = [
            .refused(.crossed), .refused(.zero), .refused(.crossed), ticker("ELSE", "1"),
            ticker("1", time: at(1000)), .rejected("no such stream"), .alive, .acknowledged, .leaving,
        ]
        #expect(book.received(incoming, from: 0, at: at(1)) == .init(isLeaving: true))
        let report = book.report(of: 0, at: at(1))
        #expect(report.refusals == ["crossed": 2, "zero": 1, "unknown-pair": 1, "from-the-future": 1])
        #expect(report.trouble == "no such stream")
        #expect(report.name == "rate:a")
        #expect(report.types == ["rateChange"])
    }

    /// The first fresh one speaks; who was stale speaks again with its next new quote.
    @Test func preferredExchangeSpeaks() throws {
        var book = Self.book(try exchange("a"), try exchange("b"))
        _ = book.received([ticker("10", time: at(0))], from: 0, at: at(0))
        _ = book.received([ticker("20", time: at(0))], from: 1, at: at(0))
        #expect(Self.publish(&book, at: at(0)) == ["a 10"])
        _ = book.received([ticker("21", time: at(1))], from: 1, at: at(1))
        #expect(Self.publish(&book, at: at(1)) == [])
        // a falls silent: after 15 s the other one is heard, with what it had said.
        for second in 2...20 {
            _ = book.received([ticker("\(20 + second)", time: at(Double(second)))], from: 1, at: at(Double(second)))
            let changed = book.checked(at: at(Double(second)))
            let published = Self.publish(&book, at: at(Double(second)))
            #expect(changed == (second == 15 ? [0] : []))
            #expect(published == (second < 15 ? [] : ["b \(20 + second)"]))
        }
        #expect(book.report(of: 0, at: at(20)).state == .stale)
        #expect(book.report(of: 1, at: at(20)).state == .following)
        // What it had said already does not count, though it is there again.
        #expect(book.received([ticker("10", time: at(0))], from: 0, at: at(21)) == .init(quotes: 1))
        #expect(book.checked(at: at(21)) == [0])
        #expect(book.report(of: 0, at: at(21)).state == .following)
        _ = book.received([ticker("50", time: at(21))], from: 1, at: at(21))
        #expect(Self.publish(&book, at: at(21)) == ["b 50"])
        _ = book.received([ticker("11", time: at(22))], from: 0, at: at(22))
        _ = book.received([ticker("51", time: at(22))], from: 1, at: at(22))
        #expect(Self.publish(&book, at: at(22)) == ["a 11"])
    }

    /// Quotes arrive for other pairs only: this pair's rate becomes too old to be published.
    @Test func pairThatIsNotHeardOfGoesToAnother() throws {
        var book = Self.book(try exchange("a", .binance, ["BTC/USDT", "ETH/USDT"]), try exchange("b"))
        _ = book.received([ticker("10", time: at(0))], from: 0, at: at(0))
        #expect(Self.publish(&book, at: at(0)) == ["a 10"])
        for second in 1...310 {
            _ = book.received(
                [ticker("ETHUSDT", "\(second)", time: at(Double(second)))],
                from: 0,
                at: at(Double(second))
            )
            _ = book.received([ticker("\(second)", time: at(Double(second)))], from: 1, at: at(Double(second)))
            let published = Self.publish(&book, at: at(Double(second)))
            #expect(published.contains("b \(second)") == (second >= 300))
        }
    }

    /// While the prices stay the same there is little to tell.
    @Test func unchangedRateIsToldNowAndThen() throws {
        var book = Self.book(try exchange("a"))
        var published: [Int] = []
        for second in 0...40 {
            _ = book.received(
                [ticker("10", bid: "9", ask: "11", time: at(Double(second)))],
                from: 0,
                at: at(Double(second))
            )
            if !Self.publish(&book, at: at(Double(second))).isEmpty { published.append(second) }
        }
        #expect(published == [0, 15, 30])
    }

    @Test func bookCompletesTheTicker() throws {
        var exchange = try exchange("a")
        exchange.hasBook = true
        var book = Self.book(exchange)
        // No rate without a last price.
        _ = book.received([bookTicker("BTCUSDT", "9", "11", sequence: 5)], from: 0, at: at(0))
        #expect(Self.publish(&book, at: at(0)) == [])
        _ = book.received([ticker("10", time: at(0))], from: 0, at: at(0.1))
        #expect(Self.publish(&book, at: at(0.1)) == ["a 10"])
        #expect(book.received([bookTicker("BTCUSDT", "8", "9", sequence: 4)], from: 0, at: at(1)) == .init())
        #expect(book.received([bookTicker("BTCUSDT", "10", "12", sequence: 6)], from: 0, at: at(1)).news == 1)
        let offers = book.due(at: at(1))
        let data = try JSON.Value.parse(try #require(offers.first).rate.event.data)
        #expect(data["rate"]?.string == "10")
        #expect(data["ask"]?.string == "12")
        #expect(data["sequence"]?.integer(in: .seq) == 6)
    }

    /// The exchange restarts its numbering: one event without a number keeps the projection from comparing old and new
    /// ones.
    @Test func renumberedExchangeGoesOn() throws {
        var book = Self.book(try exchange("a", .coinbase))
        func sequence(_ second: Double, _ sequence: Int) throws -> Int? {
            _ = book.received(
                [ticker("BTC-USDT", "\(sequence)", time: at(second), sequence: sequence)],
                from: 0,
                at: at(second)
            )
            let offers = book.due(at: at(second))
            book.published(offers, at: at(second))
            return try JSON.Value.parse(try #require(offers.first).rate.event.data)["sequence"]?.integer(in: .seq)
        }
        #expect(try sequence(1, 1000) == 1000)
        #expect(try sequence(2, 7) == nil)
        #expect(try sequence(3, 8) == 8)
    }

    @Test func eventSaysWhatIsKnown() throws {
        var book = Self.book(try exchange("a"))
        let text = try #require(try Samples.load()["binance WS @ticker"]?["raw"]).compacted()
        _ = book.received(Dialect.binance.read(text), from: 0, at: at(0))
        let event = try #require(book.due(at: at(0)).first).rate.event
        #expect(event.type == "rateChange")
        #expect(event.key == "BTC/USDT")
        #expect(event.time?.description == "2022-12-31T19:43:02.100Z")
        #expect(
            String(decoding: event.data, as: UTF8.self)
                == #"{"pair":"BTC/USDT","rate":"0.0025","exchange":"a","bid":"0.0024","ask":"0.0026","bidVolume":"10","#
                + #""askVolume":"100","open":"0.001","high":"0.0025","low":"0.001","change":"0.0015","changePercent":"250","#
                + #""baseVolume":"10000","quoteVolume":"18","exchangeTime":"2022-12-31T19:43:02.100Z"}"#
        )
    }

    /// Two nodes, or one before and after, make the same of the same quote; what was published is no news.
    @Test func restartPublishesNothingTwice() throws {
        var one = Self.book(try exchange("a", .coinbase))
        let incoming = [ticker("BTC-USDT", "5", bid: "4", time: at(5), sequence: 50)]
        _ = one.received(incoming, from: 0, at: at(6))
        let offers = one.due(at: at(6))
        let entries = one.entries(for: offers, at: at(6))
        var two = Self.book(try exchange("a", .coinbase))
        _ = two.received(incoming, from: 0, at: at(8))
        #expect(two.due(at: at(8)).map(\.rate.event) == offers.map(\.rate.event))
        // The one that has read what was remembered says nothing, and takes nothing older.
        var three = Self.book(try exchange("a", .coinbase))
        three.restore(entries, of: 0, at: at(8))
        #expect(three.received([ticker("BTC-USDT", "3", time: at(3), sequence: 48)], from: 0, at: at(8)) == .init())
        #expect(three.received(incoming, from: 0, at: at(8)) == .init(quotes: 1))
        #expect(three.due(at: at(8)) == [])
        // REST has no number, so the content identifies the quote.
        #expect(three.received([ticker("BTC-USDT", "5", bid: "4", time: at(5))], from: 0, at: at(8)).quotes == 1)
        #expect(three.due(at: at(8)) == [])
        _ = three.received([ticker("BTC-USDT", "6", time: at(9), sequence: 51)], from: 0, at: at(9))
        #expect(three.due(at: at(9)).count == 1)
        // After minutes it does not bind any more.
        var four = Self.book(try exchange("a", .coinbase))
        four.restore(entries, of: 0, at: at(8))
        #expect(four.received([ticker("BTC-USDT", "3", time: at(3), sequence: 48)], from: 0, at: at(400)).news == 1)
        four.restore([SourceEntry(name: "market/BTC/USDT", value: Array("{".utf8))], of: 0, at: at(8))
        four.restore(
            [SourceEntry(name: "market/X/Y", value: Array("{}".utf8)), SourceEntry(name: "x", value: [])],
            of: 0,
            at: at(8)
        )
    }

    /// Other nodes, and the next process, know that it was stale: until something comes.
    @Test func staleStaysStaleAcrossRestarts() throws {
        var book = Self.book(try exchange("a"))
        book.restore([SourceEntry(name: "stale", value: Array("true".utf8))], of: 0, at: at(0))
        #expect(book.checked(at: at(0)) == [])
        #expect(book.report(of: 0, at: at(0)).state == .stale)
        _ = book.received([ticker("1", time: at(1))], from: 0, at: at(1))
        #expect(book.checked(at: at(1)) == [0])
        #expect(Self.publish(&book, at: at(1)) == ["a 1"])
        // What is read again once quotes come does not count.
        book.restore([SourceEntry(name: "stale", value: Array("true".utf8))], of: 0, at: at(2))
        #expect(book.checked(at: at(2)) == [])
        #expect(book.report(of: 0, at: at(2)).state == .following)
    }

    /// Intervals of their own, and one pair does not wait for another.
    @Test func pairsHaveTheirIntervals() throws {
        var configured = try exchange("a", .binance, ["BTC/USDT", "ETH/USDT"])
        configured.markets[1].interval = .milliseconds(100)
        var book = Self.book(configured)
        var counts = [0, 0]
        for step in 0..<100 {
            let now = at(Double(step) / 50)
            _ = book.received(
                [ticker("\(step + 1)", time: now), ticker("ETHUSDT", "\(step + 1)", time: now)],
                from: 0,
                at: now
            )
            let offers = book.due(at: now)
            book.published(offers, at: now)
            for offer in offers { counts[offer.rate.pair.base == "BTC" ? 0 : 1] += 1 }
        }
        #expect(counts == [2, 20])
    }
}
