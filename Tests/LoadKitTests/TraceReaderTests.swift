// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LoadKit

struct TraceReaderTests {
    private func read(_ lines: String...) throws -> Trace {
        try TraceReader.read(Array(lines.joined(separator: "\n").utf8))
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func ownEventsAreRead() throws {
        let trace = try self.read(
            #"{"type":"transactionUpdate","keys":["u_1","u_2"],"time":"2026-11-20T16:00:00Z","data":{"amount": "1.0"}}"#,
            "",
            #"{"type":"rateChange","time":"2026-11-20T16:00:00.25Z","data":{"pair":"BTC/USDT","rate":"1"}}"#,
            #"{"type":"balanceUpdate","time":"2026-11-20T15:00:00Z","data":{"userId":"u_1","balance":"1"}}"#,
            #"{"type":"balanceUpdate","key":"u_1","data":{"balance":"1","currency":"EUR"}}"#
        )
        #expect(trace.entries.map(\.offset) == [0, 250_000_000, 250_000_000, 250_000_000])
        #expect(trace.entries.map(\.keys) == [["u_1", "u_2"], ["BTC/USDT"], ["u_1"], ["u_1"]])
        #expect(
            trace.channels.map(\.name) == [
                "rateChange:BTC/USDT", "transactionUpdate:u_1", "transactionUpdate:u_2", "balanceUpdate:u_1",
            ]
        )
        #expect(trace.channels.map(\.isPrivate) == [false, true, true, true])
        #expect(trace.channels.map(\.mayConflate) == [true, false, false, true])
        #expect(trace.channels.map(\.slots) == [1, 1, 1, 2])
        #expect(trace.channels.map(\.events) == [1, 1, 1, 2])
        #expect(trace.entries.map(\.channels) == [[1, 2], [0], [3], [3]])
        #expect(trace.entries.map(\.slots) == [[0, 0], [0], [0], [1]])
        #expect(self.text(trace.entries[0].data) == #"{"amount":"1.0"}"#)
        #expect(trace.entries[3].time == nil)
        #expect(trace.users == ["u_1", "u_2"])
        #expect(trace.duration == 250_000_000)
    }

    @Test func binanceBookTickersBecomeRates() throws {
        let trace = try self.read(
            "wss://dstream.binance.com/stream?streams=x <-> 1626916402.990619",
            #"1626916403.8469708: {"stream":"bchusd_perp@bookTicker","data":{"u":167006084895,"e":"bookTicker","#
                + #""s":"BCHUSD_PERP","ps":"BCHUSD","b":"427.84","B":"24","a":"427.90","A":"669"}}"#,
            #"1626916404: {"stream":"bchusd_perp@aggTrade","data":{"e":"aggTrade"}}"#,
            #"1626916404.5: {"u":1,"s":"BTCUSDT","b":"1.10","B":"1","a":"1.11","A":"1"}"#
        )
        #expect(trace.channels.map(\.name) == ["rateChange:BCHUSD_PERP", "rateChange:BTCUSDT"])
        #expect(
            self.text(trace.entries[0].data)
                == #"{"pair":"BCHUSD_PERP","rate":"427.87","bid":"427.84","ask":"427.90","exchange":"binance","#
                + #""sequence":167006084895}"#
        )
        #expect(trace.entries[0].time == "2021-07-22T01:13:23.846970800Z")
        #expect(trace.entries.map(\.offset) == [0, 653_029_200])
        #expect(trace.skipped == ["connection note": 1, "Binance aggTrade": 1])
    }

    @Test func coinbaseTickersAndMatchesBecomeRates() throws {
        let trace = try self.read(
            #"1618677817.079694: {"type":"ticker","sequence":333938798,"product_id":"BAND-GBP","price":"14.7775","#
                + #""best_bid":"14.7550","best_ask":"14.8060"}"#,
            #"1618677817.1: {"type":"match","price":"0.00001305","product_id":"SKL-BTC","sequence":177100030}"#,
            #"1618677817.2: {"type":"l2update","product_id":"SKL-BTC","changes":[]}"#,
            #"1618677817.3: {"type":"match","product_id":"SKL-BTC"}"#
        )
        #expect(
            trace.entries.map { self.text($0.data) } == [
                #"{"pair":"BAND/GBP","rate":"14.7775","bid":"14.7550","ask":"14.8060","exchange":"coinbase","#
                    + #""sequence":333938798}"#,
                #"{"pair":"SKL/BTC","rate":"0.00001305","exchange":"coinbase","sequence":177100030}"#,
            ]
        )
        #expect(trace.skipped == ["Coinbase l2update": 1, "Coinbase match, incomplete": 1])
    }

    @Test(arguments: [
        ("{", "not JSON"), (#"{"data":{}}"#, "type"), (#"{"type":"x","key":"k"}"#, "data"),
        (#"{"type":"x","data":{}}"#, "key"), (#"{"type":"rateChange","data":{}}"#, "data.pair"),
        (#"{"type":"x","keys":[],"data":{}}"#, "keys"), (#"{"type":"x","keys":[1],"data":{}}"#, "keys"),
        (#"{"type":"x","key":1,"data":{}}"#, "key"), (#"{"type":"x","key":"k","time":"now","data":{}}"#, "time"),
        ("hello", "neither"), ("12", "time"), ("12: {", "not JSON"), ("1x: {}", "time"),
        ("1.5x: {}", "time"), (": {}", "neither"),
    ])
    func badLinesAreNamed(line: String, mention: String) {
        let error = #expect(throws: TraceError.self) {
            try self.read(#"{"type":"x","key":"k","data":{}}"#, "", line)
        }
        guard case .line(3, let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains(mention))
    }

    @Test func tracesWithoutEventsAreNoTraces() {
        #expect(throws: TraceError.noEvents(skipped: 0)) { try self.read("") }
        #expect(throws: TraceError.noEvents(skipped: 1)) { try self.read(#"1: {"type":"l2update"}"#) }
        #expect(throws: TraceError.unreadable(path: "/nowhere/at/all", reason: "there is no such file")) {
            try TraceReader.read(path: "/nowhere/at/all")
        }
    }

    @Test(arguments: [
        ("BTC-USD", "BTC/USD"), ("BTC-USD-PERP", "BTC-USD-PERP"), ("BTCUSD", "BTCUSD"), ("-USD", "-USD"), ("-", "-"),
    ])
    func productsArePairsWhereTheySaySo(product: String, pair: String) {
        #expect(ExchangeLine.pair(product) == pair)
    }

    @Test(arguments: [
        ("427.84", "427.90", "427.87"), ("1992.17", "1992.18", "1992.175"), ("1", "2", "1.5"), ("1", "1", "1"),
        ("0.00", "0.00", "0.00"), ("0.1", "0.01", "0.055"), ("9.9", "10", "9.95"), ("007", "9", "8"),
        ("0.00000001", "0.00000002", "0.000000015"),
        ("123456789012345678901234567890", "123456789012345678901234567892", "123456789012345678901234567891"),
    ])
    func midpointsAreExact(bid: String, ask: String, midpoint: String) {
        #expect(DecimalText.midpoint(bid, ask) == midpoint)
        #expect(DecimalText.midpoint(ask, bid) == midpoint)
    }

    @Test(arguments: ["", ".", "1.", ".5", "-1", "1e3", "1,5", "1.2.3", "1234567890123456789012345678901"])
    func otherNumbersHaveNoMidpoint(_ text: String) {
        #expect(DecimalText.midpoint(text, "1") == nil)
        #expect(DecimalText.midpoint("1", text) == nil)
    }
}
