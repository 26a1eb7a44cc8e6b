// SPDX-License-Identifier: Apache-2.0

import ChainSource
import Foundation
import Ingest
import JSON
import WebSocketClient
import Yams

/// Chain declarations of the configuration file.
struct ChainDeclarations: Declarations {
    let path: String
    var errors: [String] = []

    static let keys = [
        "kind", "endpoints", "endpoints-file", "websocket", "chain-id", "start", "finality", "confirmations", "levels",
        "bloom", "poll", "stall", "range", "owners", "owners-file", "contracts",
    ]
    private static let eventKeys = ["event", "moves"]
    private static let moveKeys = ["kind", "owner", "amount", "decimals", "type", "currency", "wallet"]

    /// Reads the `chains` of kind `evm` from a file.
    static func chains(in file: ConfigurationFile, errors: inout [String]) -> [ChainSettings] {
        var declarations = ChainDeclarations(path: file.path)
        var chains: [ChainSettings] = []
        for (key, value) in file.chains where !Self.isMirror(value) {
            if let chain = declarations.chain(key, value) { chains.append(chain) }
        }
        errors += declarations.errors
        return chains
    }

    private mutating func chain(_ key: Node, _ value: Node) -> ChainSettings? {
        let name = self.sourceName(key, of: "a chain") ?? ""
        guard let given = value.mapping else {
            self.addError(key, "\"\(name)\" is a mapping with \(Self.keys.joined(separator: ", "))")
            return nil
        }
        let mapping = self.members(of: given, among: Self.keys)
        if let node = mapping["kind"], node.string != "evm" {
            self.addError(node, "\"kind\" is evm or hedera")
        }
        var chain = Chain(name: name, contracts: self.contracts(mapping["contracts"], of: key))
        // The maximum follows from EIP-2294.
        let chainIDs = 1...9_223_372_036_854_775_771
        chain.chainID = self.number(mapping["chain-id"], "chain-id", chainIDs)
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
        settings.limits.poll =
            self.duration(mapping["poll"], "poll", .milliseconds(20) ... .seconds(3600)) ?? settings.limits.poll
        settings.rotation.stall = self.stall(mapping["stall"], settings.rotation.stall)
        settings.limits.stall = settings.rotation.stall.map { max($0 * 2, settings.limits.stale) }
        settings.owners = self.owners(mapping["owners"])
        settings.ownersFile = self.text(mapping["owners-file"], "owners-file")
        return settings
    }

    mutating func endpoints(_ mapping: Node.Mapping, of key: Node) -> [String] {
        var urls = self.texts(mapping["endpoints"], "endpoints")
        if let node = mapping["endpoints-file"] {
            let path = self.text(node, "endpoints-file") ?? ""
            do {
                let text = try String(contentsOfFile: path, encoding: .utf8)
                urls += text.split(whereSeparator: \.isWhitespace).map { (String($0), node) }
            } catch {
                self.addError(node, "\(path): cannot be read (\(error.localizedDescription))")
            }
        }
        if mapping["endpoints"] == nil, urls.isEmpty {
            self.addError(key, "\"\(key.string ?? "")\" needs \"endpoints\": URLs of nodes")
        }
        for (url, node) in urls where HTTPAddress.host(of: url) == nil {
            self.addError(node, "an endpoint begins with http:// or https:// and names a host")
        }
        return urls.map(\.text)
    }

    private mutating func webSockets(_ node: Node?) -> [WebSocketURL] {
        var urls: [WebSocketURL] = []
        for (text, node) in self.texts(node, "websocket") {
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
        let levels = node.sequence?.compactMap { $0.string.flatMap(Chain.Level.init(rawValue:)) } ?? []
        guard !levels.isEmpty, levels.count == node.sequence?.count, levels.contains(.final) else {
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
            let address = self.address(key)
            if let user = value.string, !value.isNull {
                if let address { owners[address] = user }
            } else {
                self.addError(value, "\"owners\" is a mapping of wallet addresses to users")
            }
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
            let events = self.events(value, of: key)
            if let address = self.address(key) { contracts[address, default: []] += events }
        }
        return contracts
    }

    /// The events of a contract.
    mutating func events(_ node: Node, of key: Node) -> [Chain.WantedEvent] {
        guard let list = node.sequence, !list.isEmpty else {
            self.addError(key, "a contract has a list of events")
            return []
        }
        var events: [Chain.WantedEvent] = []
        for element in list {
            guard let event = self.event(element) else { continue }
            if events.contains(where: { $0.signature.topic == event.signature.topic }) {
                self.addError(element, "duplicate event")
            }
            events.append(event)
        }
        return events
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

    private mutating func event(_ node: Node) -> Chain.WantedEvent? {
        let mapping = node.mapping.map { self.members(of: $0, among: Self.eventKeys) }
        var signature: EventSignature?
        if let text = mapping?["event"]?.string ?? node.string {
            do throws(EventSignature.Invalid) {
                signature = try EventSignature(text)
            } catch {
                self.addError(node, error.description)
            }
        } else {
            self.addError(node, "an event is its signature, or {event: …, moves: […]}")
        }
        let moves = mapping?["moves"]
        if let moves, moves.sequence == nil { self.addError(moves, "\"moves\" is a list of {owner: …, amount: …}") }
        let rules = moves?.sequence?.compactMap { self.move($0, signature) } ?? []
        return signature.map { Chain.WantedEvent(signature: $0, moves: rules) }
    }

    /// - Parameter signature: Nil for one with a mistake: then the names of values are not checked.
    private mutating func move(_ node: Node, _ signature: EventSignature?) -> TransferRule? {
        guard let given = node.mapping else {
            self.addError(node, "a move is {owner: …, amount: …} with \(Self.moveKeys.joined(separator: ", "))")
            return nil
        }
        let mapping = self.members(of: given, among: Self.moveKeys)
        let kind = self.choice(mapping["kind"], "kind", TransferRule.Kind.self) ?? .transaction
        let (owner, amount) = (mapping["owner"]?.string ?? "", mapping["amount"]?.string ?? "")
        if let signature {
            let values = "names a value of \(signature.name) that is"
            if !signature.parameters.contains(where: { $0.name == owner && $0.type == .address }) {
                self.addError(mapping["owner"] ?? node, "\"owner\" \(values) an address")
            }
            if !signature.parameters.contains(where: { $0.name == amount && $0.type.isNumber }) {
                self.addError(mapping["amount"] ?? node, "\"amount\" \(values) a number")
            }
        }
        return TransferRule(
            kind: kind,
            owner: owner,
            amount: amount,
            decimals: self.number(mapping["decimals"], "decimals", 0...77) ?? 0,
            type: self.text(mapping["type"], "type") ?? "transaction",
            currency: self.text(mapping["currency"], "currency"),
            walletID: self.text(mapping["wallet"], "wallet")
        )
    }
}
