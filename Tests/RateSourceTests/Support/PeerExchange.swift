// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import JSON
import NIOCore
import NIOHTTP1
import RateSource
import TestSupport
import Testing

/// The fake exchange (`Tests/System/Peers/exchange`), a process of its own.
final class PeerExchange: Sendable {
    let dialect: Dialect
    let port: Int
    private let program: Program

    var url: String { "http://127.0.0.1:\(self.port)" }
    var webSocket: String { "ws://127.0.0.1:\(self.port)/stream" }

    /// Runs a body with an exchange, and ends it afterwards.
    static func with<Result>(
        _ dialect: Dialect,
        seed: Int = 1,
        _ body: (PeerExchange) async throws -> Result
    ) async throws -> Result {
        try await Script.withPeer("exchange/exchange.py", [dialect.rawValue, "\(seed)"]) { program, port in
            let peer = PeerExchange(dialect, program, port: port)
            try await peer.control("info")
            return try await body(peer)
        }
    }

    private init(_ dialect: Dialect, _ program: Program, port: Int) {
        self.dialect = dialect
        self.program = program
        self.port = port
    }

    /// Kills it, as if the exchange were gone from the face of the earth.
    func kill() {
        self.program.signal(SIGKILL)
    }

    /// - Parameter members: JSON, without the braces.
    @discardableResult
    func control(_ name: String, _ members: String = "") async throws -> JSON.Value {
        var request = HTTPClientRequest(url: self.url + "/control")
        request.method = .POST
        let comma = members.isEmpty ? "" : ","
        request.body = .bytes(ByteBuffer(string: #"{"do":"\#(name)"\#(comma)\#(members)}"#))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let bytes = try await response.body.collect(upTo: 64 << 20)
        return try JSON.Value.parse(Array(bytes.readableBytesView))
    }

    func figure(_ name: String) async throws -> Int {
        try #require(try await self.control("info")[name]?.integer(in: .seq))
    }

    /// What it has said that can be used: of each market the prices as published, with the number and time.
    struct Quote: Hashable, Sendable {
        var symbol: String
        var last: String
        var bid: String
        var ask: String

        init(symbol: String, last: String, bid: String, ask: String) {
            (self.symbol, self.last, self.bid, self.ask) = (symbol, last, bid, ask)
        }

        fileprivate init?(_ row: JSON.Value) {
            let parts = Array(row.elements)
            guard parts.count == 7, let symbol = parts[0].string else { return nil }
            func price(_ index: Int) -> String {
                parts[index].number.flatMap { DecimalNumber("\($0)e-2") }?.description ?? ""
            }
            self.init(symbol: symbol, last: price(1), bid: price(2), ask: price(3))
        }
    }

    func truth() async throws -> [Quote] {
        try await self.control("truth").elements.compactMap { Quote($0) }
    }

    /// It as an exchange to follow, with short waits.
    func exchange(_ name: String = "peer", _ pairs: [String] = ["BTC/USDT"]) throws -> Exchange {
        var exchange = Exchange(
            name: name,
            dialect: self.dialect,
            markets: try pairs.map { Market(pair: try #require(Pair($0)), interval: .milliseconds(50)) }
        )
        exchange.webSockets = [self.webSocket]
        exchange.rests = [self.url]
        exchange.staleAfter = .seconds(2)
        exchange.silence = .seconds(1)
        exchange.poll = .milliseconds(100)
        exchange.retry = .milliseconds(20) ... .milliseconds(200)
        return exchange
    }

    /// The same as a configuration file has it, under `rates`.
    func configuration(_ name: String = "peer", _ pairs: [String] = ["BTC/USDT"], interval: String = "100ms") -> String
    {
        """
          \(name):
            dialect: \(self.dialect.rawValue)
            pairs: [\(pairs.joined(separator: ", "))]
            interval: \(interval)
            stale-after: 2s
            silence: 1s
            poll: 100ms
            websocket: \(self.webSocket)
            rest: \(self.url)

        """
    }
}
