// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import RateSource
import TestSupport
import Testing

/// The real program beside fake exchanges.
@Suite(.system, .serialized, .timeLimit(.minutes(5)))
struct ProgramSystemTests {
    private static func start(
        _ configuration: String,
        in folder: TestFolder,
        _ arguments: [String] = []
    ) async throws -> RunningHub {
        let path = try folder.write("heartbeat: 200ms\nsilence: 20s\nstale-after: 3s\n" + configuration, to: "hub.yaml")
        return try await RunningHub.start(
            in: folder,
            ["--jwt-secret", RunningHub.secret, "--config", path] + arguments
        )
    }

    private static func rate(_ hub: RunningHub, _ pair: String) async throws -> JSON.Value {
        try JSON.Value.parse(try await hub.get("/rate?pair=\(pair)").body)
    }

    /// A rate within a second, REST while the socket is away, stale when all is, and back.
    @Test func subscriberSeesItAll() async throws {
        try await PeerExchange.with(.binance) { peer in
            try await withFolder { folder in
                try await peer.control("set", #""tick":20"#)
                let hub = try await Self.start("rates:\n" + peer.configuration(), in: folder)
                try await RateWatcher.following("BTC/USDT", on: hub) { seen in
                    try await seen.wait(for: "rates") { $0.count("peer") > 3 }
                    // From the exchange to the subscriber.
                    try await peer.control("set", #""moving":false"#)
                    func last() async throws -> String {
                        let last = try #require(try await peer.control("info")["last"]?["BTCUSDT"]?.string)
                        return DecimalNumber(last)?.description ?? ""
                    }
                    let resting = try await last()
                    try await seen.wait(for: "the rate \(resting)") { $0.rates.last?.rate == resting }
                    let before = ContinuousClock.now
                    try await peer.control("move")
                    let plain = try await last()
                    try await seen.wait(for: "the rate \(plain)") { $0.rates.last?.rate == plain }
                    let latency = try #require(seen.value.rates.last).at - before
                    print("from the exchange to the subscriber, asking included: \(latency)")
                    #expect(latency < .seconds(1))
                    try await peer.control("set", #""moving":true"#)

                    // The socket is away, REST is not.
                    try await peer.control("set", #""handshake":"503""#)
                    try await peer.control("drop")
                    var count = seen.value.count("peer")
                    try await seen.wait(for: "rates by REST") { [count] in $0.count("peer") > count + 3 }
                    #expect(seen.value.stale == [])
                    var answer = try await Self.rate(hub, "BTC/USDT")
                    #expect(answer["stale"]?.bool == false)
                    #expect(answer["exchange"]?.string == "peer")

                    // The whole source fails: subscribers are notified.
                    try await peer.control("set", #""rest":"500""#)
                    try await seen.wait(for: "the source to be stale") { $0.stale == ["rate:peer"] }
                    answer = try await Self.rate(hub, "BTC/USDT")
                    #expect(answer["stale"]?.bool == true)
                    #expect(answer["age"]?.integer(in: .seq) ?? 0 > 500)

                    try await peer.control("set", #""rest":"ok","handshake":"ok""#)
                    count = seen.value.count("peer")
                    try await seen.wait(for: "rates again") { [count] in $0.count("peer") > count + 3 }
                    try await seen.wait(for: "the source to be fresh") { $0.stale == [] }
                    // Numbers without a gap or a double.
                    #expect(!seen.value.hasGaps)
                }
                let none = try await Self.rate(hub, "X/Y")
                #expect(none["rate"]?.isNull == true)
                #expect(none["age"]?.isNull == true)
                #expect(try await hub.metric("broadtape_events_accepted_total") ?? 0 > 10)
                try await hub.program.kill()
            }
        }
    }

    /// Killed with rates flowing: what is on the tape was said, in its order, each once.
    @Test func killedHubGoesOn() async throws {
        try await PeerExchange.with(.coinbase, seed: 3) { peer in
            try await peer.control("set", #""tick":10"#)
            try await withFolder { folder in
                for round in 0..<4 {
                    let hub = try await Self.start("rates:\n" + peer.configuration(interval: "10ms"), in: folder)
                    try await hub.waitUntil(accepted: 5 + 3 * round)
                    try await hub.program.kill()
                }
                let hub = try await Self.start("rates:\n" + peer.configuration(interval: "10ms"), in: folder)
                try await hub.waitUntil(accepted: 5)
                let token = try await hub.token("reader", "read:*")
                let events = try await hub.events(of: "rateChange:BTC/USDT", token: token)
                let sequences = events.compactMap { $0["data"]?["sequence"]?.integer(in: .seq) }
                #expect(sequences.count == events.count)
                #expect(events.count >= 40)
                #expect(zip(sequences, sequences.dropFirst()).allSatisfy(<))
                try await hub.program.kill()
            }
        }
    }

    /// `broadtape rate run`, Redis, hub: lost messages are had again, a stale exchange is found out.
    @Test func redisWay() async throws {
        try await PeerExchange.with(.kraken, seed: 4) { peer in
            let redis = try await RedisServer.start()
            defer { redis.stop() }
            try await withFolder { folder in
                let configuration = try folder.write("rates:\n" + peer.configuration(), to: "rate.yaml")
                func start() throws -> Program {
                    try Program(["rate", "--config", configuration, "--redis", redis.url], in: folder)
                }
                // Published before there is a hub: Redis keeps none of it.
                var program = try start()
                try await program.record.wait(for: "rates") { $0.errors.contains("quotes arrive over the WebSocket") }
                let hub = try await Self.start("", in: folder, ["--redis", redis.url])
                try await RateWatcher.following("BTC/USDT", on: hub) { seen in
                    try await seen.wait(for: "rates") { $0.count("peer") > 3 }
                    for _ in 0..<2 {
                        _ = try redis.disconnectClients()
                        let count = seen.value.count("peer")
                        try await seen.wait(for: "rates again") { $0.count("peer") > count + 10 }
                    }
                    // The process is killed and continues.
                    try await program.kill()
                    program = try start()
                    let count = seen.value.count("peer")
                    try await seen.wait(for: "rates of the next process") { $0.count("peer") > count + 3 }
                    #expect(!seen.value.hasGaps)
                    // The process lives, the exchange does not: it falls silent for the hub.
                    peer.kill()
                    try await seen.wait(for: "the source to be stale", within: .seconds(30)) {
                        $0.stale == ["rate:peer"]
                    }
                    #expect(try await Self.rate(hub, "BTC/USDT")["stale"]?.bool == true)
                }
                #expect(try await hub.metric("broadtape_fanin_malformed_total") ?? 0 == 0)
                #expect(try await hub.metric("broadtape_fanin_conflicts_total") ?? 0 == 0)
                try await program.kill()
                try await hub.program.kill()
            }
        }
    }

    static let mistakes: [(yaml: String, line: Int, words: [String])] = [
        ("rates: 5\n", 1, ["rates", "mapping"]), ("rates:\n  binance: 5\n", 2, ["binance", "mapping"]),
        ("rates:\n  nyse:\n    pairs: [BTC/USDT]\n", 2, ["nyse", "dialect", "kraken"]),
        ("rates:\n  binance:\n    dialect: bnance\n    pairs: [BTC/USDT]\n", 3, ["dialect"]),
        ("rates:\n  binance:\n    interval: 1s\n", 2, ["pairs"]),
        ("rates:\n  binance:\n    pairs: [BTCUSDT]\n", 3, ["BTCUSDT", "BTC/USDT"]),
        ("rates:\n  binance:\n    pairs:\n      - BTC/USDT\n      - BTC/USDT\n", 5, ["BTC/USDT", "duplicate"]),
        ("rates:\n  kraken:\n    pairs:\n      - XBT/USD\n", 4, ["XBT/USD", "BTC/USD"]),
        ("rates:\n  binance:\n    pairs:\n      BTC/USDT: { symbl: X }\n", 4, ["symbl", "did you mean \"symbol\""]),
        ("rates:\n  binance:\n    pairs: [BTC/USDT]\n    intervall: 1s\n", 4, ["intervall", "interval"]),
        ("rates:\n  binance:\n    pairs: [BTC/USDT]\n    interval: 1\n", 4, ["interval", "60s"]),
        ("rates:\n  binance:\n    pairs: [BTC/USDT]\n    poll: 20s\n", 4, ["poll", "stale-after"]),
        ("rates:\n  binance:\n    pairs: [BTC/USDT]\n    websocket: http://x\n", 4, ["websocket", "wss://"]),
        ("rates:\n  binance:\n    pairs: [BTC/USDT]\n    rest: ws://x\n", 4, ["rest", "https://"]),
        ("rates:\n  binance:\n    pairs: [BTC/USDT]\n    rest: off\n    websocket: off\n", 2, ["websocket", "off"]),
        ("rates:\n  kraken:\n    pairs: [BTC/USDT]\n    book: true\n", 4, ["book", "binance"]),
    ]

    @Test(arguments: Self.mistakes)
    func mistakesAreNamedWithTheirLine(_ yaml: String, _ line: Int, _ words: [String]) async throws {
        try await withFolder { folder in
            let path = try folder.write(yaml, to: "hub.yaml")
            let record = try await Program.run(["check-config", "--config", path], in: folder)
            #expect(record.status == 1)
            #expect(record.errors.contains("hub.yaml:\(line): "), "\(record)")
            for word in words { #expect(record.errors.contains(word), "\(record)") }
        }
    }

    @Test func documentedExampleIsGood() async throws {
        try await withFolder { folder in
            let path = try folder.write(
                """
                rates:
                  binance:
                    pairs: [BTC/USDT, ETH/USDT, SOL/USDT]
                    rest: off
                  kraken:
                    pairs:
                      BTC/USDT:
                      ETH/USDT: { interval: 5s }
                      SOL/USDT: { symbol: SOL/USDT }
                  backup:
                    dialect: coinbase
                    websocket: off
                    pairs: [BTC/USDT]

                """,
                to: "hub.yaml"
            )
            let record = try await Program.run(["check-config", "--config", path], in: folder)
            #expect(record.status == 0, "\(record)")
        }
    }
}
