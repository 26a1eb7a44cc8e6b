// SPDX-License-Identifier: Apache-2.0

import ChainSource
import Foundation
import Ingest
import JSON
import WebSocketClient
import Yams

/// Chain declarations of the configuration file.
struct ChainDeclarations {
    private let path: String
    private(set) var errors: [String] = []

    static let keys = [
        "kind", "endpoints", "endpoints-file", "websocket", "chain-id", "start", "finality", "confirmations", "levels",
        "bloom", "poll", "stall", "range", "owners", "owners-file", "contracts",
    ]
    private static let eventKeys = ["event", "moves"]
    private static let moveKeys = ["kind", "owner", "amount", "decimals", "type", "currency", "wallet"]
    private static let maxNameLength = 64

    /// Reads the `chains` of kind `evm` from a file.
    static func chains(in file: ConfigurationFile) throws(ConfigurationFault) -> [ChainSettings] {
        var declarations = ChainDeclarations(path: file.path)
        var chains: [ChainSettings] = []
        for (key, value) in file.chains ?? Node.Mapping([]) where !Self.isMirror(value) {
            if let chain = declarations.chain(key, value) { chains.append(chain) }
        }
        guard declarations.errors.isEmpty else { throw ConfigurationFault(declarations.errors) }
        return chains
    }

    init(path: String) {
        self.path = path
    }

    mutating func addError(_ node: Node, _ message: String) {
        self.errors.append("\(self.path):\(node.mark?.line ?? 0): \(message)")
    }

    private mutating func chain(_ key: Node, _ value: Node) -> ChainSettings? {
        guard let name = self.name(key) else { return nil }
        guard let mapping = value.mapping else {
            self.addError(key, "\"\(name)\" is a mapping with \(Self.keys.joined(separator: ", "))")
            return nil
        }
        self.checkKeys(of: mapping, among: Self.keys)
        if let node = mapping["kind"], node.string != "evm" {
            self.addError(node, "\"kind\" is evm or hedera")
        }
        var chain = Chain(name: name, contracts: self.contracts(mapping["contracts"], of: key))
        // The maximum follows from EIP-2294.
        let chainIDs = 1...9_223_372_036_854_775_771
        if let node = mapping["chain-id"] { chain.chainID = self.number(node, "chain-id", chainIDs) }
        chain.start = self.number(mapping["start"], "start", .seq) ?? chain.start
        if let node = mapping["finality"], node.string != "tag" {
            chain.finality = .depth(self.number(node, "finality (tag, or blocks below the head)", 0...1_000_000) ?? 0)
        }
        chain.confirmations = self.number(mapping["confirmations"], "confirmations", 1...10_000) ?? chain.confirmations
        if let node = mapping["levels"] { chain.levels = self.levels(node) ?? chain.levels }
        if let node = mapping["bloom"] {
            if let use = node.string.flatMap(Chain.BloomUse.init(rawValue:)) {
                chain.bloom = use
            } else {
                self.addError(node, "\"bloom\" is exact or off")
            }
        }
        chain.maxSpan = self.number(mapping["range"], "range", 1...1_000_000) ?? chain.maxSpan
        var settings = ChainSettings(chain: chain, endpoints: self.endpoints(mapping, of: key))
        settings.webSockets = self.webSockets(mapping["websocket"])
        if let node = mapping["poll"] {
            if let poll = node.string.flatMap(Quantity.duration), (.milliseconds(20) ... .seconds(3600)).contains(poll)
            {
                settings.limits.poll = poll
            } else {
                self.addError(node, "\"poll\" is a duration such as 4s, from 20ms to 1h")
            }
        }
        settings.rotation.stall = self.stall(mapping["stall"], settings.rotation.stall)
        settings.limits.stall = settings.rotation.stall.map { max($0 * 2, settings.limits.stale) }
        settings.owners = self.owners(mapping["owners"])
        settings.ownersFile = mapping["owners-file"]?.string
        return settings
    }

    mutating func name(_ key: Node) -> String? {
        let name = key.string ?? ""
        guard (1...Self.maxNameLength).contains(name.utf8.count),
            name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"*?[]:\\".utf8.contains($0) })
        else {
            self.addError(key, "\"\(name)\" cannot name a chain: 1 to \(Self.maxNameLength) letters, digits or - _ .")
            return nil
        }
        return name
    }

    mutating func endpoints(_ mapping: Node.Mapping, of key: Node) -> [String] {
        var urls =
            mapping["endpoints"].map { $0.sequence?.compactMap(\.string) ?? [$0.string].compactMap(\.self) } ?? []
        if let node = mapping["endpoints-file"] {
            let path = node.string ?? ""
            do {
                let text = try String(contentsOfFile: path, encoding: .utf8)
                urls += text.split(whereSeparator: \.isWhitespace).map(String.init)
            } catch {
                self.addError(node, "\(path): cannot be read (\(error.localizedDescription))")
            }
        }
        if urls.isEmpty { self.addError(key, "\"\(key.string ?? "")\" needs \"endpoints\": URLs of nodes") }
        for url in urls where !url.hasPrefix("http://") && !url.hasPrefix("https://") {
            self.addError(mapping["endpoints"] ?? key, "an endpoint begins with http:// or https://")
        }
        return urls
    }

    private mutating func webSockets(_ node: Node?) -> [WebSocketURL] {
        guard let node else { return [] }
        var urls: [WebSocketURL] = []
        for text in node.sequence?.compactMap(\.string) ?? [node.string].compactMap(\.self) {
            do {
                urls.append(try WebSocketURL(text))
                guard !text.hasPrefix("ws://"), !text.hasPrefix("wss://") else { continue }
                self.addError(node, "\"websocket\" begins with ws:// or wss://")
            } catch {
                self.addError(node, "\"websocket\" is a URL or a list of URLs: \(error)")
            }
        }
        return urls
    }

    /// How long the head may stay unchanged; nil for off.
    mutating func stall(_ node: Node?, _ standard: Duration?) -> Duration? {
        guard let node else { return standard }
        // YAML parses the word as a boolean, but keeps its text.
        if node.string == "off" { return nil }
        let range: ClosedRange<Duration> = .seconds(1) ... .seconds(86_400)
        if let duration = node.string.flatMap(Quantity.duration), range.contains(duration) { return duration }
        self.addError(node, "\"stall\" is off, or a duration such as 30s, from 1s to 24h")
        return standard
    }

    private mutating func levels(_ node: Node) -> Set<Chain.Level>? {
        let names = node.sequence?.compactMap(\.string) ?? []
        let levels = names.compactMap(Chain.Level.init(rawValue:))
        guard !levels.isEmpty, levels.count == names.count, levels.contains(.final) else {
            self.addError(node, "\"levels\" is a list of seen, confirmed and final; final events are always published")
            return nil
        }
        return Set(levels)
    }

    private mutating func owners(_ node: Node?) -> [Address: String] {
        guard let node else { return [:] }
        guard let mapping = node.mapping else {
            self.addError(node, "\"owners\" is a mapping of wallet addresses to users")
            return [:]
        }
        var owners: [Address: String] = [:]
        for (key, value) in mapping {
            guard let address = self.address(key), let user = value.string, !user.isEmpty else {
                self.addError(value, "\"owners\" is a mapping of wallet addresses to users")
                continue
            }
            owners[address] = user
        }
        return owners
    }

    private mutating func contracts(_ node: Node?, of key: Node) -> [Address: [Chain.WantedEvent]] {
        guard let mapping = node?.mapping, !mapping.isEmpty else {
            self.addError(node ?? key, "\"contracts\" is a mapping of addresses to lists of events")
            return [:]
        }
        var contracts: [Address: [Chain.WantedEvent]] = [:]
        for (key, value) in mapping {
            guard let address = self.address(key) else { continue }
            guard let list = value.sequence, !list.isEmpty else {
                self.addError(key, "a contract has a list of events")
                continue
            }
            for element in list {
                guard let event = self.event(element) else { continue }
                if contracts[address, default: []].contains(where: { $0.signature.topic == event.signature.topic }) {
                    self.addError(element, "duplicate event")
                }
                contracts[address, default: []].append(event)
            }
        }
        return contracts
    }

    private mutating func address(_ node: Node) -> Address? {
        // YAML parses an unquoted address as a number, but keeps its text.
        if let address = node.scalar.flatMap({ Address($0.string) }) { return address }
        self.addError(
            node,
            "\"\(node.scalar?.string ?? "")\" is not an address: 0x and 40 digits, with a valid checksum if it has one"
        )
        return nil
    }

    mutating func event(_ node: Node) -> Chain.WantedEvent? {
        let mapping = node.mapping
        if let mapping { self.checkKeys(of: mapping, among: Self.eventKeys) }
        guard let text = mapping?["event"]?.string ?? node.string else {
            self.addError(node, "an event is its signature, or {event: …, moves: […]}")
            return nil
        }
        do throws(EventSignature.Invalid) {
            let signature = try EventSignature(text)
            let moves = mapping?["moves"]?.sequence?.compactMap { self.move($0, signature) } ?? []
            return Chain.WantedEvent(signature: signature, moves: moves)
        } catch {
            self.addError(node, error.description)
            return nil
        }
    }

    private mutating func move(_ node: Node, _ signature: EventSignature) -> TransferRule? {
        guard let mapping = node.mapping else {
            self.addError(node, "a move is {owner: …, amount: …} with \(Self.moveKeys.joined(separator: ", "))")
            return nil
        }
        self.checkKeys(of: mapping, among: Self.moveKeys)
        let kind = mapping["kind"].map { $0.string.flatMap(TransferRule.Kind.init(rawValue:)) } ?? .transaction
        guard let kind else {
            self.addError(node, "\"kind\" is transaction or balance")
            return nil
        }
        guard let owner = mapping["owner"]?.string,
            signature.parameters.contains(where: { $0.name == owner && $0.type == .address })
        else {
            self.addError(node, "\"owner\" names a value of \(signature.name) that is an address")
            return nil
        }
        guard let amount = mapping["amount"]?.string,
            let parameter = signature.parameters.first(where: { $0.name == amount }), parameter.type.isNumber
        else {
            self.addError(node, "\"amount\" names a value of \(signature.name) that is a number")
            return nil
        }
        return TransferRule(
            kind: kind,
            owner: owner,
            amount: amount,
            decimals: self.number(mapping["decimals"], "decimals", 0...77) ?? 0,
            type: mapping["type"]?.string ?? "transaction",
            currency: mapping["currency"]?.string,
            walletID: mapping["wallet"]?.string
        )
    }

    mutating func number(_ node: Node?, _ name: String, _ range: ClosedRange<Int>) -> Int? {
        guard let node else { return nil }
        if let number = node.string.flatMap({ Int(decimal: $0, in: range) }) { return number }
        self.addError(node, "\"\(name)\" is \(range.expectation())")
        return nil
    }

    mutating func checkKeys(of mapping: Node.Mapping, among known: [String]) {
        for (key, _) in mapping where !known.contains(key.string ?? "") {
            let name = key.string ?? ""
            self.addError(key, "unknown key \"\(name)\"\(Suggestion.hint(for: name, among: known))")
        }
    }
}
