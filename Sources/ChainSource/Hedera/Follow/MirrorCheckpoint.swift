// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// Checkpoint of a follower with everything it follows on one network.
struct MirrorCheckpoint: Sendable, Equatable {
    /// A remembered block of the followed network, used to detect endpoints of other networks.
    struct Anchor: Sendable, Equatable {
        /// How much newer a block must be to replace it.
        static let age: Duration = .seconds(3_600)
        static let entryName = "place/mirror"

        var block: MirrorBlock

        var json: [UInt8] {
            var writer = JSON.Writer()
            writer.beginObject()
            writer.member("number", integer: self.block.number)
            writer.member("hash", string: self.block.hash)
            writer.member("end", string: self.block.end.description)
            writer.endObject()
            return writer.bytes
        }

        init(_ block: MirrorBlock) {
            self.block = block
        }

        init?(_ json: [UInt8]) {
            guard let value = try? JSON.Value.parse(json), let number = value["number"]?.integer(in: .seq),
                let hash = value["hash"]?.string, let end = value["end"]?.string.flatMap(ConsensusTime.init(_:))
            else { return nil }
            self.block = MirrorBlock(number: number, hash: hash, end: end)
        }
    }

    /// Nil before the first step.
    var anchor: Anchor?
    var contracts: [ContractName: ContractCheckpoint] = [:]
    var topics: [EntityID: TopicCheckpoint] = [:]
    /// See ``SourceState/version``.
    var version: Int

    /// Reads the stored checkpoint; the initial one when nothing is stored.
    init(_ state: SourceState, _ mirror: Mirror) throws(FollowFault) {
        self.version = state.version
        guard !state.entries.contains(where: { $0.name == Checkpoint.entryName }) else {
            throw .stopped("\(mirror.name) was followed as an EVM chain before; choose another name for the mirror")
        }
        if let entry = state.entries.first(where: { $0.name == Anchor.entryName }) {
            guard let anchor = Anchor(entry.value) else {
                throw .stopped("\(entry.name) of \(mirror.name) is malformed")
            }
            self.anchor = anchor
        }
        // Names of contracts and topics do not contain a slash.
        var groups: [Substring: [SourceEntry]] = [:]
        for entry in state.entries {
            let parts = entry.name.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
            guard parts.count == 4 else { continue }
            let group = entry.name[..<parts[2].endIndex]
            groups[group, default: []].append(SourceEntry(name: String(parts[3]), value: entry.value))
        }
        for name in mirror.contracts.keys {
            let entries = groups["\(ContractCheckpoint.prefix)\(name)"] ?? []
            self.contracts[name] = try ContractCheckpoint(name: name, in: mirror, entries)
        }
        for id in mirror.topics {
            self.topics[id] = try TopicCheckpoint(id: id, in: mirror, groups["\(TopicCheckpoint.prefix)\(id)"] ?? [])
        }
    }

    /// All contract logs before this time are published as final; nil when no contract is followed.
    var floor: ConsensusTime? {
        self.contracts.values.map(\.floor).min()
    }
}
