// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// Stored form of a contract's checkpoint: one entry with the position, one for each held log, and some with the keys
/// of final logs.
extension ContractCheckpoint {
    static let prefix = "place/c/"
    private static let heldPrefix = "h/"
    private static let finalPrefix = "k/"

    var entryPrefix: String {
        "\(Self.prefix)\(self.name)/"
    }

    static func heldName(_ key: LogKey) -> String {
        "\(Self.heldPrefix)\(key.time.sortable).\(key.index)"
    }

    var json: [UInt8] {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("digest", string: self.digest)
        writer.member("floor", string: self.floor.description)
        writer.name("passes")
        writer.beginArray()
        for pass in self.passes { writer.string(pass.description) }
        writer.endArray()
        writer.name("marks")
        writer.beginArray()
        for mark in self.marks {
            writer.beginArray()
            for time in [mark.floor, mark.head, mark.opened] { writer.string(time.description) }
            writer.endArray()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// Reads stored entries, named without ``entryPrefix``; the initial checkpoint when nothing is stored.
    init(name: ContractName, in mirror: Mirror, _ entries: [SourceEntry]) throws(FollowFault) {
        self.init(name: name, in: mirror)
        guard let place = entries.first(where: { $0.name == "at" }) else { return }
        let damaged = FollowFault.stopped("the stored checkpoint of contract \(name) is malformed")
        guard let value = try? JSON.Value.parse(place.value), let digest = value["digest"]?.string,
            let floor = value["floor"]?.string.flatMap(ConsensusTime.init(_:)),
            let passes = value["passes"].map({ Self.times($0) }), let marks = value["marks"]?.elements.map(Self.times)
        else { throw damaged }
        guard digest == self.digest else {
            throw .stopped(
                "the events of contract \(name) have changed; new ones must be followed from their start: add "
                    + "a chain entry of another name"
            )
        }
        self.floor = floor
        // A new reread pass starts here: keys of earlier logs were not kept for it.
        self.passes = self.passes.indices.map { $0 < passes.count ? passes[$0] : floor }
        self.marks = try marks.map { times throws(FollowFault) in
            guard times.count == 3 else { throw damaged }
            return Mark(floor: times[0], head: times[1], opened: times[2])
        }
        for entry in entries where entry.name.hasPrefix(Self.heldPrefix) {
            guard let value = try? JSON.Value.parse(entry.value), let fact = MirrorFact(value) else { throw damaged }
            self.held[fact.key] = fact
        }
        do throws(TapeFault) {
            self.finalKeys = try FinalKeys(entries.filter { $0.name.hasPrefix(Self.finalPrefix) })
        } catch {
            throw damaged
        }
    }

    private static func times(_ value: JSON.Value) -> [ConsensusTime] {
        value.elements.compactMap { $0.string.flatMap(ConsensusTime.init(_:)) }
    }
}
