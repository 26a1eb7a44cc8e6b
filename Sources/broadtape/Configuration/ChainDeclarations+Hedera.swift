// SPDX-License-Identifier: Apache-2.0

import ChainSource
import EventLog
import Ingest
import Yams

extension ChainDeclarations {
    private static let mirrorKeys = [
        "kind", "endpoints", "endpoints-file", "start", "settle", "reread", "levels", "poll", "stall", "owners",
        "owners-file",
        "contracts", "topics",
    ]

    /// Whether a chain is declared with `kind: hedera`.
    static func isMirror(_ value: Node) -> Bool {
        value.mapping?["kind"]?.string == "hedera"
    }

    /// Reads the `chains` of kind `hedera` from a file.
    static func mirrors(in file: ConfigurationFile, errors: inout [String]) -> [MirrorSettings] {
        var declarations = ChainDeclarations(path: file.path)
        var mirrors: [MirrorSettings] = []
        for (key, value) in file.chains where Self.isMirror(value) {
            if let mirror = declarations.mirror(key, value.mapping ?? Node.Mapping([])) { mirrors.append(mirror) }
        }
        errors += declarations.errors
        return mirrors
    }

    private mutating func mirror(_ key: Node, _ mapping: Node.Mapping) -> MirrorSettings? {
        let name = self.sourceName(key, of: "a chain") ?? ""
        let mapping = self.members(of: mapping, among: Self.mirrorKeys)
        let errorCount = self.errors.count
        var mirror = Mirror(
            name: name,
            contracts: self.mirrorContracts(mapping["contracts"]),
            topics: self.topics(mapping["topics"])
        )
        if mirror.contracts.isEmpty, mirror.topics.isEmpty, self.errors.count == errorCount {
            self.addError(
                key,
                "\"\(name)\" needs \"contracts\", a mapping of contracts to lists of events, or \"topics\""
            )
        }
        if let node = mapping["start"] { mirror.start = self.start(node) ?? mirror.start }
        mirror.settle = self.duration(mapping["settle"], "settle", .seconds(1) ... .seconds(3_600)) ?? mirror.settle
        if let node = mapping["reread"] { mirror.rereads = self.rereads(node) ?? mirror.rereads }
        if let node = mapping["levels"] { mirror.levels = self.mirrorLevels(node) ?? mirror.levels }
        var settings = MirrorSettings(mirror: mirror, endpoints: self.endpoints(mapping, of: key))
        settings.limits.poll =
            self.duration(mapping["poll"], "poll", .milliseconds(20) ... .seconds(3_600)) ?? settings.limits.poll
        settings.rotation.stall = self.stall(mapping["stall"], settings.rotation.stall)
        settings.owners = self.mirrorOwners(mapping["owners"])
        settings.ownersFile = self.text(mapping["owners-file"], "owners-file")
        return settings
    }

    /// A consensus timestamp as mirror nodes write it, or RFC 3339.
    private mutating func start(_ node: Node) -> ConsensusTime? {
        // YAML parses a date as a timestamp and seconds as a number, but keeps the text of both.
        let text = node.scalar?.string ?? ""
        if let time = ConsensusTime(text) { return time }
        if let time = Timestamp(rfc3339: text)?.nanoseconds, time >= 0 { return ConsensusTime(nanoseconds: time) }
        self.addError(node, "\"start\" is a time such as 2026-01-31T12:00:00Z, or seconds such as 1639010151.000000000")
        return nil
    }

    private mutating func rereads(_ node: Node) -> [Duration]? {
        let range: ClosedRange<Duration> = .seconds(60) ... .seconds(30 * 86_400)
        let durations = node.sequence?.map { $0.string.flatMap(Quantity.duration) } ?? [nil]
        let known = durations.compactMap { $0 }.filter(range.contains)
        guard known.count == durations.count, known.count <= 4, Set(known).count == known.count, known == known.sorted()
        else {
            self.addError(
                node,
                "\"reread\" is a list of at most 4 durations, ascending, such as [1h, 24h], or [] for none"
            )
            return nil
        }
        return known
    }

    private mutating func mirrorLevels(_ node: Node) -> Set<Chain.Level>? {
        let levels = Set(node.sequence?.compactMap { $0.string.flatMap(Chain.Level.init(rawValue:)) } ?? [])
        guard levels.count == node.sequence?.count, levels.contains(.final), !levels.contains(.seen) else {
            self.addError(node, "\"levels\" is [confirmed, final] or [final]; Hedera has no reorganisations")
            return nil
        }
        return levels
    }

    private mutating func mirrorContracts(_ node: Node?) -> [ContractName: [Chain.WantedEvent]] {
        guard let node else { return [:] }
        guard let mapping = node.mapping else {
            self.addError(node, "\"contracts\" is a mapping of contracts to lists of events")
            return [:]
        }
        var contracts: [ContractName: [Chain.WantedEvent]] = [:]
        for (key, value) in mapping {
            let events = self.events(value, of: key)
            if let name = key.scalar.flatMap({ ContractName($0.string) }) {
                contracts[name, default: []] += events
            } else {
                self.addError(key, "\"\(key.scalar?.string ?? "")\" is not a contract: 0.0.1234, or 0x and 40 digits")
            }
        }
        return contracts
    }

    private mutating func topics(_ node: Node?) -> Set<EntityID> {
        guard let node else { return [] }
        guard let list = node.sequence else {
            self.addError(node, "\"topics\" is a list of topics such as 0.0.1234")
            return []
        }
        var topics: Set<EntityID> = []
        for element in list {
            guard let id = element.scalar.flatMap({ EntityID($0.string) }) else {
                self.addError(element, "\"\(element.scalar?.string ?? "")\" is not a topic such as 0.0.1234")
                continue
            }
            if !topics.insert(id).inserted { self.addError(element, "duplicate topic \(id)") }
        }
        return topics
    }

    /// Wallets by address, or by account, whose address is derived from its number.
    private mutating func mirrorOwners(_ node: Node?) -> [Address: String] {
        guard let node else { return [:] }
        var owners: [Address: String] = [:]
        let expectation = "\"owners\" is a mapping of wallet addresses, or accounts such as 0.0.1234, to users"
        guard let mapping = node.mapping else {
            self.addError(node, expectation)
            return [:]
        }
        for (key, value) in mapping {
            let text = key.scalar?.string ?? ""
            guard let address = EntityID(text)?.longZero ?? Address(text), let user = value.string, !user.isEmpty else {
                self.addError(key, expectation)
                continue
            }
            owners[address] = user
        }
        return owners
    }
}
