// SPDX-License-Identifier: Apache-2.0

import RateSource
import WebSocketClient
import Yams

/// Exchange declarations of the configuration file, in order of preference.
struct RateDeclarations: Declarations {
    let path: String
    var errors: [String] = []

    private static let keys = [
        "dialect", "pairs", "interval", "stale-after", "websocket", "rest", "poll", "silence", "lifetime", "book",
    ]
    private static let pairKeys = ["symbol", "interval"]
    private static let intervals: ClosedRange<Duration> = .milliseconds(10) ... .seconds(3600)

    /// Reads the `rates` of a file.
    static func exchanges(in file: ConfigurationFile, errors: inout [String]) -> [Exchange] {
        var declarations = RateDeclarations(path: file.path)
        var exchanges: [Exchange] = []
        for (key, value) in file.rates {
            if let exchange = declarations.exchange(key, value) { exchanges.append(exchange) }
        }
        errors += declarations.errors
        return exchanges
    }

    private mutating func exchange(_ key: Node, _ value: Node) -> Exchange? {
        let name = self.sourceName(key, of: "an exchange") ?? ""
        guard let given = value.mapping else {
            self.addError(key, "\"\(name)\" is a mapping with \(Self.keys.joined(separator: ", "))")
            return nil
        }
        let mapping = self.members(of: given, among: Self.keys)
        let known = Dialect(rawValue: mapping["dialect"]?.string ?? name)
        if known == nil {
            let dialects = Dialect.allCases.map(\.rawValue).joined(separator: ", ")
            self.addError(mapping["dialect"] ?? key, "\"\(name)\" needs \"dialect\": one of \(dialects)")
        }
        // For the checks of the rest.
        let dialect = known ?? .binance
        let errorCount = self.errors.count
        let interval = self.duration(mapping["interval"], "interval", Self.intervals) ?? .seconds(1)
        let markets = self.markets(mapping["pairs"], of: key, dialect, interval)
        var exchange = Exchange(name: name, dialect: dialect, markets: markets)
        let waits: ClosedRange<Duration> = .milliseconds(100) ... .seconds(3600)
        exchange.staleAfter = self.duration(mapping["stale-after"], "stale-after", waits) ?? exchange.staleAfter
        exchange.silence = self.duration(mapping["silence"], "silence", waits) ?? exchange.silence
        exchange.poll = self.duration(mapping["poll"], "poll", waits) ?? exchange.poll
        exchange.lifetime =
            self.duration(mapping["lifetime"], "lifetime", .seconds(1) ... .seconds(30 * 86_400)) ?? exchange.lifetime
        if let node = mapping["book"] {
            exchange.hasBook = node.bool ?? false
            if node.bool == nil { self.addError(node, "\"book\" is true or false") }
            if node.bool == true, dialect != .binance { self.addError(node, "\"book\" is for the dialect binance") }
        }
        exchange.webSockets = self.urls(mapping["websocket"], "websocket", ["ws", "wss"], exchange.webSockets)
        exchange.rests = self.urls(mapping["rest"], "rest", ["http", "https"], exchange.rests)
        if exchange.webSockets.isEmpty, exchange.rests.isEmpty {
            self.addError(key, "at most one of \"websocket\" and \"rest\" can be off")
        }
        if exchange.poll >= exchange.staleAfter, self.errors.count == errorCount {
            self.addError(mapping["poll"] ?? key, "\"poll\" has to be shorter than \"stale-after\"")
        }
        return known == nil ? nil : exchange
    }

    private mutating func urls(_ node: Node?, _ name: String, _ schemes: [String], _ standard: [String]) -> [String] {
        guard let node else { return standard }
        // YAML parses the word as a boolean, but keeps its text.
        if node.string == "off" { return [] }
        var urls: [String] = []
        for element in node.sequence.map(Array.init) ?? [node] {
            do throws(ConfigurationFault) {
                urls.append(try Self.checked(element.string ?? "", schemes))
            } catch {
                let reason = error.errors.joined(separator: ", ")
                self.addError(element, "\"\(name)\" is off, a URL or a list of URLs: \(reason)")
            }
        }
        return urls.isEmpty ? standard : urls
    }

    private static func checked(_ text: String, _ schemes: [String]) throws(ConfigurationFault) -> String {
        guard schemes.contains(where: { text.hasPrefix($0 + "://") }) else {
            throw ConfigurationFault("it begins with \(schemes.map { $0 + "://" }.joined(separator: " or "))")
        }
        do {
            _ = try WebSocketURL(text, expected: "a URL")
        } catch {
            throw ConfigurationFault("\(error)")
        }
        return text.last == "/" && schemes.contains("http") ? String(text.dropLast()) : text
    }

    private mutating func markets(
        _ node: Node?,
        of key: Node,
        _ dialect: Dialect,
        _ interval: Duration
    ) -> [Market] {
        var markets: [Market] = []
        if let list = node?.sequence {
            for element in list {
                if let pair = self.pair(element) {
                    self.add(Market(pair: pair, interval: interval), at: element, to: &markets, dialect)
                }
            }
        } else if let mapping = node?.mapping {
            for (name, value) in mapping {
                guard let pair = self.pair(name) else { continue }
                self.add(self.market(pair, value, interval), at: name, to: &markets, dialect)
            }
        }
        if node?.sequence?.isEmpty ?? node?.mapping?.isEmpty ?? true {
            self.addError(node ?? key, "\"\(key.string ?? "")\" needs \"pairs\": a list such as [BTC/USDT, ETH/USDT]")
        }
        if markets.count > dialect.maxMarkets {
            self.addError(node ?? key, "\(dialect.rawValue) takes \(dialect.maxMarkets) pairs on one connection")
        }
        return markets
    }

    private mutating func pair(_ node: Node) -> Pair? {
        guard let pair = Pair(node.string ?? "") else {
            self.addError(node, "\"\(node.string ?? "")\" is not a pair of two codes, such as BTC/USDT")
            return nil
        }
        guard pair == pair.common else {
            self.addError(node, "\(pair) is \(pair.common) by its common codes; write that")
            return nil
        }
        return pair
    }

    private mutating func market(_ pair: Pair, _ node: Node, _ interval: Duration) -> Market {
        guard let given = node.mapping else {
            if node.string?.isEmpty == false {
                self.addError(node, "\(pair) has {\(Self.pairKeys.joined(separator: ": …, ")): …}, or nothing")
            }
            return Market(pair: pair, interval: interval)
        }
        let mapping = self.members(of: given, among: Self.pairKeys)
        return Market(
            pair: pair,
            symbol: self.text(mapping["symbol"], "symbol"),
            interval: self.duration(mapping["interval"], "interval", Self.intervals) ?? interval
        )
    }

    private mutating func add(_ market: Market, at node: Node, to markets: inout [Market], _ dialect: Dialect) {
        func symbol(_ market: Market) -> String { market.symbol ?? dialect.symbol(of: market.pair) }
        if markets.contains(where: { $0.pair == market.pair || symbol($0) == symbol(market) }) {
            self.addError(node, "duplicate pair \(market.pair) (\(symbol(market)))")
        }
        markets.append(market)
    }
}
