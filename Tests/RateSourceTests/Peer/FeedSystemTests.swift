// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import RateSource
import TestSupport
import Testing

/// The service against an exchange over real sockets.
@Suite(.system, .serialized, .timeLimit(.minutes(3)))
struct FeedSystemTests {
    /// In every dialect: quotes come over the WebSocket, as they were said.
    @Test(arguments: Dialect.allCases)
    func quotesComeAsTheyWereSaid(_ dialect: Dialect) async throws {
        try await PeerExchange.with(dialect) { peer in
            try await peer.control("set", #""ping":50"#)
            let taking = Taking()
            let pairs = ["BTC/USD", "ETH/USD", "SOL/USDT"]
            try await taking.run([try peer.exchange("peer", pairs)]) {
                for pair in pairs {
                    try await eventually("rates of \(pair)") { taking.count(pair) >= 5 }
                }
                // The last one too, once nothing moves any more.
                try await peer.control("set", #""moving":false"#)
                for pair in pairs {
                    let symbol = dialect.symbol(of: try #require(Pair(pair)))
                    try await eventually("the last rate of \(pair)") {
                        let last = try await peer.truth().last { $0.symbol == symbol }?.last
                        return last != nil && taking.rates(pair).last?.last == last
                    }
                    let truth = Set(try await peer.truth())
                    for rate in taking.rates(pair) {
                        let quote = PeerExchange.Quote(
                            symbol: symbol,
                            last: rate.last,
                            bid: rate.bid ?? "",
                            ask: rate.ask ?? ""
                        )
                        #expect(truth.contains(quote), "\(quote)")
                    }
                }
                try await eventually("pongs") { try await peer.figure("pongs") > 2 }
                #expect(try await peer.figure("violations") == 0)
                #expect(try await peer.figure("late") == 0)
            }
        }
    }

    /// The socket dies in every way: REST takes over, and steps back when the socket is there again.
    @Test(arguments: [
        (Dialect.binance, ["503", "hang"]), (.coinbase, ["close"]), (.coinbaseAdvanced, ["429"]), (.kraken, ["close"]),
    ])
    func restStandsIn(_ dialect: Dialect, _ handshakes: [String]) async throws {
        try await PeerExchange.with(dialect) { peer in
            let taking = Taking()
            try await taking.run([try peer.exchange()]) {
                try await eventually("rates") { taking.count("BTC/USDT") >= 3 }
                for handshake in handshakes {
                    try await peer.control("set", #""handshake":"\#(handshake)""#)
                    try await peer.control("drop")
                    let (asked, count) = (try await peer.figure("requests"), taking.count("BTC/USDT"))
                    try await eventually("rates by REST") {
                        let requests = try await peer.figure("requests")
                        return requests > asked + 2 && taking.count("BTC/USDT") > count + 2
                    }
                    #expect(taking.state.value.reports["rate:peer"]?.state == .following)
                    if handshake != "hang" {
                        try await peer.control("set", #""handshake":"ok""#)
                        let opened = try await peer.figure("opened")
                        try await eventually("a socket") { try await peer.figure("opened") > opened }
                        try await Self.quiet(peer, taking)
                    }
                }
            }
        }
    }

    /// Returns once REST is not asked any more while rates come: they are 50 ms apart at least, requests were 100.
    private static func quiet(_ peer: PeerExchange, _ taking: Taking) async throws {
        try await eventually("REST is left alone") {
            let before = try await peer.figure("requests")
            try await taking.waitForMore(8)
            return try await peer.figure("requests") == before
        }
    }

    /// Open, and says nothing: given up, and found out the other way round.
    @Test func muteSocketIsGivenUp() async throws {
        try await PeerExchange.with(.coinbase) { peer in
            let taking = Taking()
            try await taking.run([try peer.exchange()]) {
                try await eventually("rates") { taking.count("BTC/USDT") >= 3 }
                try await peer.control("set", #""mute":true,"ping":50"#)
                let (opened, count) = (try await peer.figure("opened"), taking.count("BTC/USDT"))
                try await eventually("another socket") { try await peer.figure("opened") > opened }
                try await eventually("rates by REST") { taking.count("BTC/USDT") > count + 3 }
                #expect(taking.state.value.reports["rate:peer"]?.state == .following)
                try await peer.control("set", #""mute":false"#)
                try await Self.quiet(peer, taking)
            }
        }
    }

    /// The 24 hours and the announced shutdown: another connection before the first one ends, and no rate missed.
    @Test func connectionsAreRenewed() async throws {
        try await PeerExchange.with(.binance) { peer in
            var exchange = try peer.exchange()
            exchange.lifetime = .seconds(1)
            let taking = Taking()
            try await taking.run([exchange]) {
                try await eventually("a third connection") { try await peer.figure("opened") >= 3 }
                try await eventually("one is left") { try await peer.figure("sockets") == 1 }
                #expect(try await peer.figure("requests") == 0)
            }
            exchange.lifetime = nil
            try await taking.run([exchange]) {
                try await eventually("a connection") { try await peer.figure("subscribed") >= 1 }
                let opened = try await peer.figure("opened")
                // A connection that is young is kept for a moment whatever it says.
                try await taking.waitForMore(6)
                try await peer.control("shutdown", #""after":600"#)
                try await eventually("another connection") { try await peer.figure("opened") == opened + 1 }
                try await eventually("one is left") { try await peer.figure("sockets") == 1 }
                try await taking.waitForMore(14)
                #expect(try await peer.figure("opened") == opened + 1)
                #expect(try await peer.figure("requests") == 0)
            }
            // Both times the quotes of two connections at once.
            #expect(taking.state.value.repeated == 0)
        }
    }

    /// 418 and 429 of REST are kept to while the socket is away.
    @Test(arguments: ["429", "418"])
    func restIsLeftAloneWhenItSaysSo(_ status: String) async throws {
        try await PeerExchange.with(.binance) { peer in
            try await peer.control("set", #""handshake":"503","rest":"\#(status)","retryAfter":2"#)
            let taking = Taking()
            try await taking.run([try peer.exchange()]) {
                try await eventually("a request") { try await peer.figure("requests") == 1 }
                let asked = ContinuousClock.now
                try await peer.control("set", #""rest":"ok""#)
                try await eventually("rates") { taking.count("BTC/USDT") >= 1 }
                // A second and a half at least, on any machine: the limit is two.
                #expect(ContinuousClock.now - asked > .milliseconds(1500))
                #expect(try await peer.figure("requests") >= 2)
            }
        }
    }

    /// Gone altogether: stale, and another exchange speaks; it comes back and speaks again.
    @Test func anotherExchangeSpeaks() async throws {
        try await PeerExchange.with(.binance, seed: 1) { first in
            try await PeerExchange.with(.kraken, seed: 2) { second in
                let taking = Taking()
                try await taking.run([try first.exchange("one"), try second.exchange("two")]) {
                    try await eventually("rates of one") { taking.count("BTC/USDT", of: "one") >= 3 }
                    try await first.control("set", #""handshake":"close","rest":"close""#)
                    try await first.control("drop")
                    try await eventually("rates of two") { taking.count("BTC/USDT", of: "two") >= 3 }
                    #expect(taking.state.value.reports["rate:one"]?.state == .stale)
                    #expect(taking.state.value.reports["rate:two"]?.state == .following)
                    let count = taking.count("BTC/USDT", of: "one")
                    try await first.control("set", #""handshake":"ok","rest":"ok""#)
                    try await eventually("rates of one again") { taking.count("BTC/USDT", of: "one") > count + 3 }
                    #expect(taking.rates("BTC/USDT").last?.exchange == "one")
                    #expect(taking.state.value.reports["rate:one"]?.state == .following)
                }
            }
        }
    }

    /// One market that is none keeps nothing else away, on either way.
    @Test(arguments: [Dialect.binance, .coinbase, .kraken])
    func unknownMarketKeepsNoOtherAway(_ dialect: Dialect) async throws {
        try await PeerExchange.with(dialect) { peer in
            let bad = dialect.symbol(of: try #require(Pair("BAD/USDT")))
            try await peer.control("set", #""refuse":["\#(bad)"]"#)
            let taking = Taking()
            try await taking.run([try peer.exchange("peer", ["BTC/USDT", "BAD/USDT"])]) {
                try await eventually("rates") { taking.count("BTC/USDT") >= 5 }
                #expect(taking.state.value.reports["rate:peer"]?.trouble.isEmpty == false)
            }
        }
    }
}
