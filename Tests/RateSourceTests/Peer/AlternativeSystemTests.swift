// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import RateSource
import TestSupport
import Testing

/// An exchange that refuses, and its other addresses.
@Suite(.system, .serialized, .timeLimit(.minutes(3)))
struct AlternativeSystemTests {
    /// The place, the key, the path: it refuses at one address for both ways, and not at the other.
    @Test(arguments: ["401", "403", "404", "451", "500"])
    func otherAddressIsAsked(_ status: String) async throws {
        try await PeerExchange.with(.binance, seed: 1) { first in
            try await PeerExchange.with(.binance, seed: 2) { second in
                try await first.control("set", #""handshake":"\#(status)","rest":"\#(status)""#)
                var exchange = try first.exchange()
                exchange.webSockets = [first.webSocket, second.webSocket]
                exchange.rests = [first.url, second.url]
                let taking = Taking()
                try await taking.run([exchange]) {
                    try await eventually("rates") { taking.count("BTC/USDT") >= 3 }
                    try await eventually("a socket at the second one") { try await second.figure("subscribed") == 1 }
                    try await taking.state.wait(for: "the report") { state in
                        let endpoints = state.reports["rate:peer"]?.endpoints ?? []
                        return endpoints.first?.trouble != nil && endpoints.prefix(2).last?.trouble == nil
                    }
                    let report = try #require(taking.state.value.reports["rate:peer"])
                    #expect(report.state == .following)
                    #expect(report.endpoints[0].why.contains(status))
                    #expect(report.trouble.contains(status))
                }
            }
        }
    }

    /// The WebSocket is refused everywhere: REST replaces it, at the endpoint that answers.
    @Test(arguments: [Dialect.binance, .kraken])
    func otherAddressOfREST(_ dialect: Dialect) async throws {
        try await PeerExchange.with(dialect, seed: 1) { first in
            try await PeerExchange.with(dialect, seed: 2) { second in
                try await first.control("set", #""handshake":"403","rest":"403""#)
                try await second.control("set", #""handshake":"403""#)
                var exchange = try first.exchange()
                exchange.webSockets = [first.webSocket, second.webSocket]
                exchange.rests = [first.url, second.url]
                let taking = Taking()
                try await taking.run([exchange]) {
                    // A 403 is waited out for minutes; not where there is another address.
                    try await eventually("rates") { taking.count("BTC/USDT") >= 3 }
                    #expect(try await first.figure("requests") >= 1)
                    #expect(taking.state.value.reports["rate:peer"]?.state == .following)
                }
            }
        }
    }

    /// A limit is the exchange's: its other address is not asked in spite of it.
    @Test(arguments: ["429", "418"])
    func limitsHoldForAllAddresses(_ status: String) async throws {
        try await PeerExchange.with(.binance, seed: 1) { first in
            try await PeerExchange.with(.binance, seed: 2) { second in
                try await first.control("set", #""rest":"\#(status)","retryAfter":2"#)
                var exchange = try first.exchange()
                exchange.webSockets = []
                exchange.rests = [first.url, second.url]
                let taking = Taking()
                try await taking.run([exchange]) {
                    try await eventually("a request") { try await first.figure("requests") >= 1 }
                    let asked = ContinuousClock.now
                    try await eventually("rates") { taking.count("BTC/USDT") >= 1 }
                    #expect(ContinuousClock.now - asked > .milliseconds(1_500))
                }
            }
        }
    }

    /// What one exchange refuses concerns no other.
    @Test(arguments: ["401", "403", "429", "451"])
    func otherExchangesGoOn(_ status: String) async throws {
        try await PeerExchange.with(.binance, seed: 1) { first in
            try await PeerExchange.with(.kraken, seed: 2) { second in
                try await first.control("set", #""handshake":"\#(status)","rest":"\#(status)""#)
                let taking = Taking()
                try await taking.run([try first.exchange("one"), try second.exchange("two")]) {
                    try await eventually("rates of two") { taking.count("BTC/USDT", of: "two") >= 3 }
                    try await taking.state.wait(for: "one to be stale") { $0.reports["rate:one"]?.state == .stale }
                    let reports = taking.state.value.reports
                    #expect(reports["rate:one"]?.trouble.isEmpty == false)
                    #expect(reports["rate:two"]?.state == .following)
                    #expect(reports["rate:two"]?.endpoints.allSatisfy { $0.trouble == nil } == true)
                }
            }
        }
    }

    /// Through the program: the refusal is in the log once, in the metrics, and rates come from the other address.
    @Test func programTakesTheOtherAddress() async throws {
        try await PeerExchange.with(.binance, seed: 1) { first in
            try await PeerExchange.with(.binance, seed: 2) { second in
                try await withFolder { folder in
                    try await first.control("set", #""handshake":"451","rest":"451""#)
                    let text = first.configuration()
                        .replacing(
                            "websocket: \(first.webSocket)",
                            with: "websocket: [\(first.webSocket), \(second.webSocket)]"
                        )
                        .replacing("rest: \(first.url)", with: "rest: [\(first.url), \(second.url)]")
                    let path = try folder.write("rates:\n" + text, to: "hub.yaml")
                    let hub = try await RunningHub.start(
                        in: folder,
                        ["--jwt-secret", RunningHub.secret, "--config", path]
                    )
                    try await hub.waitUntil(accepted: 3)
                    let socket = "ws://127.0.0.1:\(first.port)"
                    let up = #"broadtape_source_endpoint_up{source="rate:peer",endpoint="\#(socket)"}"#
                    try await eventually("the metric") { try await hub.metric(up) == 0 }
                    try await hub.program.record.wait(for: "the line") { record in
                        record.errors.split(separator: "\n").count {
                            $0.contains("an endpoint is in trouble") && $0.contains(socket) && $0.contains("451")
                        } == 1
                    }
                    try await hub.program.kill()
                }
            }
        }
    }
}
