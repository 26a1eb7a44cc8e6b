// SPDX-License-Identifier: Apache-2.0

import EventLog
import RateSource
import TestSupport
import Testing

/// A bad exchange, and a tape that fails: what is published was said, in its order, each quote once.
@Suite(.system, .serialized, .timeLimit(.minutes(5)))
struct RandomRunsSystemTests {
    private static let faults = """
        {"garbage":0.05,"crossed":0.05,"empty":0.05,"zero":0.05,"drop":0.02,"late":0.2,"twice":0.3,\
        "rest429":0.05,"rest500":0.1,"resthtml":0.1,"restclose":0.1}
        """

    @Test(arguments: [
        (Dialect.binance, 1), (.binance, 2), (.coinbase, 3), (.coinbaseAdvanced, 4), (.kraken, 5),
    ])
    func publishedIsWhatWasSaid(_ dialect: Dialect, _ seed: Int) async throws {
        try await PeerExchange.with(dialect, seed: seed) { peer in
            var random = SplitMix(seed: UInt64(seed))
            let pairs = ["BTC/USDT", "ETH/USDT"]
            try await peer.control("set", #""tick":10,"faults":\#(Self.faults)"#)
            var exchange = try peer.exchange("peer", pairs)
            exchange.markets[0].interval = .milliseconds(10)
            exchange.hasBook = dialect == .binance && seed == 2
            let taking = Taking()
            taking.state.change {
                $0.failures = 20
                $0.random = SplitMix(seed: UInt64(seed))
            }
            // Stopped and started again, like a process.
            for _ in 0..<2 {
                try await taking.run([exchange]) {
                    let before = pairs.map { taking.count($0) }
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: try await peer.control("drop")
                    case 1: try await peer.control("close")
                    case 2: try await peer.control("shutdown", #""after":50"#)
                    default: try await peer.control("set", #""handshake":"503""#)
                    }
                    for (pair, count) in zip(pairs, before) {
                        try await eventually("rates of \(pair)", within: .seconds(40)) {
                            taking.count(pair) > count + 5
                        }
                    }
                    try await peer.control("set", #""handshake":"ok""#)
                    // Some seeds have enough rates before the first bad one, and reports are a second apart.
                    try await taking.state.wait(for: "a refusal") {
                        $0.reports["rate:peer"]?.refusals.isEmpty == false
                    }
                }
            }
            try await Self.check(taking, peer, pairs, hasBook: exchange.hasBook)
        }
    }

    private static func check(_ taking: Taking, _ peer: PeerExchange, _ pairs: [String], hasBook: Bool) async throws {
        let truth = try await peer.truth()
        for pair in pairs {
            let symbol = peer.dialect.symbol(of: try #require(Pair(pair)))
            let said = truth.filter { $0.symbol == symbol }
            var place = 0
            for rate in taking.rates(pair) {
                // With the book beside the ticker, last and bid may be of two moments.
                let found = said.indices[place...].first { index in
                    said[index].last == rate.last
                        && (hasBook || said[index].bid == rate.bid && said[index].ask == rate.ask)
                }
                guard let found else {
                    Issue.record("\(pair): \(rate) was not said, or was said before what was published before it")
                    return
                }
                place = hasBook ? place : found
            }
        }
        // All ids are different; otherwise some events would have been duplicates.
        #expect(Set(taking.state.value.events.map(\.id)).count == taking.state.value.events.count)
    }
}
