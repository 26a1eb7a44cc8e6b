// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import JSON
import RateSource
import TestSupport
import Testing

struct MessageTests {
    static let refusals: [(Dialect, String, Refusal)] = [
        (.binance, #"{"e":"24hrTicker","s":"BTCUSDT","c":"1","b":"3","a":"2"}"#, .crossed),
        (.binance, #"{"e":"24hrTicker","s":"BTCUSDT","c":"0.000","b":"1","a":"2"}"#, .zero),
        (.binance, #"{"e":"24hrTicker","s":"BTCUSDT","c":"1","b":"0","a":"2"}"#, .zero),
        (.binance, #"{"e":"24hrTicker","s":"BTCUSDT","c":"-1"}"#, .negative),
        (.binance, #"{"e":"24hrTicker","s":"BTCUSDT","c":"","b":"","a":""}"#, .empty),
        (.binance, #"{"e":"24hrTicker","s":"BTCUSDT","c":true}"#, .notANumber),
        (.binance, #"{"e":"24hrTicker","s":"BTCUSDT","c":"1e9999"}"#, .notANumber),
        (.binance, #"{"e":"24hrTicker","s":"BTCUSDT","v":"1"}"#, .noPrice),
        (.binance, #"{"e":"24hrTicker","c":"1"}"#, .malformed), (.binance, "{", .malformed),
        (.binance, "[]", .malformed),
        (.binance, "{}", .malformed), (.binance, #"{"u":1,"s":"X","b":"2","a":"1"}"#, .crossed),
        (.coinbase, #"{"type":"ticker","product_id":"BTC-USD","price":""}"#, .empty),
        (.coinbase, #"{"type":"ticker","price":"1"}"#, .malformed), (.coinbase, #"{"x":1}"#, .malformed),
        (
            .coinbaseAdvanced,
            #"{"channel":"ticker","events":[{"tickers":[{"product_id":"A-B","price":"","best_bid":""}]}]}"#,
            .empty
        ),
        (.coinbaseAdvanced, #"{"channel":"ticker"}"#, .malformed),
        (.coinbaseAdvanced, #"{"channel":"ticker","events":[{}]}"#, .malformed),
        (.kraken, #"{"channel":"ticker","data":[{"symbol":"BTC/USD","bid":2,"ask":1,"last":1}]}"#, .crossed),
        (.kraken, #"{"channel":"ticker","data":[{"symbol":"BTC/USD","bid":0,"ask":1,"last":1}]}"#, .zero),
        (.kraken, #"{"channel":"ticker","data":5}"#, .malformed),
        (.kraken, #"{"channel":"ticker","data":[5]}"#, .malformed),
    ]

    @Test(arguments: Self.refusals)
    func uselessQuoteIsRefused(_ dialect: Dialect, _ text: String, _ reason: Refusal) {
        #expect(dialect.read(text) == [.refused(reason)])
    }

    static let others: [(Dialect, String, Incoming)] = [
        (.binance, #"{"result":null,"id":1}"#, .acknowledged),
        (.binance, #"{"result":["btcusdt@ticker"],"id":0}"#, .acknowledged),
        (.binance, #"{"error":{"code":2,"msg":"Invalid request"},"id":1}"#, .rejected("code 2: Invalid request")),
        (.binance, #"{"code":3,"msg":"Invalid JSON"}"#, .rejected("code 3: Invalid JSON")),
        (.binance, #"{"e":"serverShutdown","E":1770123456789}"#, .leaving),
        (.binance, #"{"event":{"e":"serverShutdown","E":1770123456789}}"#, .leaving),
        (.binance, #"{"stream":"x","data":{"e":"serverShutdown"}}"#, .leaving),
        (.binance, #"{"e":"trade","s":"BTCUSDT"}"#, .alive),
        (.coinbase, #"{"type":"heartbeat","sequence":90,"product_id":"BTC-USD"}"#, .alive),
        (.coinbase, #"{"type":"subscriptions","channels":[]}"#, .acknowledged),
        (
            .coinbase, #"{"type":"error","message":"Failed to subscribe","reason":"X is not valid"}"#,
            .rejected("Failed to subscribe: X is not valid")
        ),
        (.coinbaseAdvanced, #"{"channel":"heartbeats","events":[]}"#, .alive),
        (.coinbaseAdvanced, #"{"channel":"subscriptions","events":[]}"#, .acknowledged),
        (.coinbaseAdvanced, #"{"type":"error","message":"no"}"#, .rejected("no")),
        (.kraken, #"{"channel":"heartbeat"}"#, .alive), (.kraken, #"{"channel":"status","data":[]}"#, .alive),
        (.kraken, #"{"method":"subscribe","result":{"channel":"ticker"},"success":true,"req_id":1}"#, .acknowledged),
        (.kraken, #"{"method":"pong","req_id":0}"#, .acknowledged),
        (
            .kraken,
            #"{"error":"Currency pair not supported X/Y","method":"subscribe","success":false,"symbol":"X/Y"}"#,
            .rejected("X/Y: Currency pair not supported X/Y")
        ),
    ]

    @Test(arguments: Self.others)
    func otherMessagesAreUnderstood(_ dialect: Dialect, _ text: String, _ incoming: Incoming) {
        #expect(dialect.read(text) == [incoming])
    }

    /// Advanced Trade counts the messages of a connection: that is no number of the market.
    @Test func advancedTradeTicker() throws {
        let text = #"""
            {"channel":"ticker","client_id":"","timestamp":"2023-02-09T20:30:37.167359596Z","sequence_num":7,
            "events":[{"type":"snapshot","tickers":[{"type":"ticker","product_id":"BTC-USD","price":"21932.98",
            "volume_24_h":"16038.28770938","low_24_h":"21835.29","high_24_h":"23011.18","best_bid":"21931.98",
            "best_ask":"21933.98","best_bid_quantity":"8000.21","best_ask_quantity":"8038.07770938",
            "price_percent_chg_24_h":"-4.15775596190603"},{"type":"ticker","product_id":"ETH-USD","price":"0"}]}]}
            """#
        let incoming = Dialect.coinbaseAdvanced.read(text)
        let quote = try #require(incoming.first?.quote)
        #expect(quote.symbol == "BTC-USD")
        #expect(quote.sequence == nil)
        #expect(quote.time?.description == "2023-02-09T20:30:37.167359596Z")
        #expect(quote.last?.description == "21932.98")
        #expect(quote.askVolume?.description == "8038.07770938")
        #expect(incoming.last == .refused(.zero))
    }

    @Test func advancedTradeAnswer() throws {
        let text = #"""
            {"trades":[{"trade_id":"1","product_id":"BTC-USD","price":"140.91","size":"4","time":"2021-05-31T09:59:59Z"}],
            "best_bid":"140.90","best_ask":"140.92"}
            """#
        let quote = try #require(Dialect.coinbaseAdvanced.readAnswer(Array(text.utf8), to: ["BTC-USD"]).first?.quote)
        #expect(quote.last?.description == "140.91")
        #expect(quote.bid?.description == "140.9")
        #expect(quote.time?.description == "2021-05-31T09:59:59Z")
    }

    @Test func answersOfSeveralMarketsAndRefusals() {
        func read(_ dialect: Dialect, _ text: String) -> [Incoming] {
            dialect.readAnswer(Array(text.utf8), to: ["A"])
        }
        let book = #"[{"symbol":"A","bidPrice":"1","askPrice":"2"},{"symbol":"B","price":"5"},{"symbol":"C"}]"#
        let incoming = read(.binance, book)
        #expect(incoming.map { $0.quote?.symbol } == ["A", "B", nil])
        #expect(incoming.map { $0.quote?.feed } == [.book, .ticker, nil])
        #expect(incoming.last == .refused(.noPrice))
        #expect(
            read(.binance, #"{"code":-1121,"msg":"Invalid symbol."}"#) == [.rejected("code -1121: Invalid symbol.")]
        )
        #expect(read(.coinbase, #"{"message":"NotFound"}"#) == [.rejected("NotFound")])
        #expect(read(.kraken, #"{"error":["EQuery:Unknown asset pair"]}"#) == [.rejected("EQuery:Unknown asset pair")])
        #expect(read(.kraken, #"{"error":[],"result":{"X":{"c":["5"]}}}"#).first?.quote?.symbol == "X")
        for dialect in Dialect.allCases { #expect(read(dialect, "<html>") == [.refused(.malformed)]) }
    }

    /// Whatever an exchange sends, it is read without a trap.
    @Test(arguments: Dialect.allCases)
    func mutatedMessagesAreRead(_ dialect: Dialect) {
        var random = SplitMix(seed: 11)
        let texts = (Self.refusals.map { ($0.0, $0.1) } + Self.others.map { ($0.0, $0.1) }).map { Array($0.1.utf8) }
        for round in 0..<4000 {
            var text = texts[round % texts.count]
            for _ in 0..<Int.random(in: 1...4, using: &random) where !text.isEmpty {
                let place = Int.random(in: 0..<text.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: text[place] = UInt8.random(in: 0...255, using: &random)
                case 1: text.remove(at: place)
                default: text.insert(contentsOf: Array("9e[{\"".utf8).shuffled(using: &random).prefix(2), at: place)
                }
            }
            #expect(!dialect.read(text).isEmpty)
            #expect(!dialect.readAnswer(text, to: ["A"]).isEmpty || text == Array("[]".utf8))
        }
    }

    /// Where the recordings are, all their tickers are read; elsewhere there is nothing to see.
    @Test(arguments: [
        (Dialect.coinbase, "coinbase-2021-04-17.log", 107, "ticker"),
        (.binance, "binance-delivery-2021-07-22.log", 500, "bookTicker"),
    ])
    func recordingsAreRead(_ dialect: Dialect, _ name: String, _ least: Int, _ word: String) throws {
        let path = "../shared/data/exchange/\(name)"
        let text = try? String(contentsOfFile: path, encoding: .utf8)
        guard let text else { return print("there is no \(path): passed over") }
        var (quotes, wanted) = (0, 0)
        for line in text.split(separator: "\n") where !line.hasPrefix("wss://") {
            guard let start = line.firstRange(of: ": ")?.upperBound else { continue }
            let incoming = dialect.read(String(line[start...]))
            #expect(!incoming.contains(.refused(.malformed)), "\(line.prefix(300))")
            quotes += incoming.filter { $0.quote != nil }.count
            wanted += line.contains("\"\(word)\"") && !line.contains("subscri") ? 1 : 0
        }
        #expect(quotes == wanted)
        #expect(quotes >= least)
    }
}
