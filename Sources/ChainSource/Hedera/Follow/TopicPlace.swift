// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// Where a follower is with the messages of one topic.
///
/// Their numbers have no holes, so nothing can be missing before a message whose number is the next one: each is told of
/// once, in order, as soon as it is there. The parts of a long message are kept until it is whole.
struct TopicPlace: Sendable, Equatable {
    /// A message some of whose parts are there.
    struct Partial: Sendable, Equatable {
        let total: Int
        /// In the order in which they came; at least one.
        var parts: [MirrorMessage]

        var bytes: Int { self.parts.reduce(0) { $0 + $1.content.count } }
    }

    /// Parts of a message that is joined, of 1,024 bytes at most on the networks there are, and its bytes in any case; a
    /// longer one is told of part by part.
    static let maxParts = 40
    static let maxBytes = 45_000
    /// Messages in parts at once; with one more, the oldest is told of part by part.
    static let maxPartials = 64
    /// How long the rest of a message may take, in consensus time.
    static let patience: Duration = .seconds(86_400)

    let id: EntityID
    /// Of the last message taken in; nil until it is known where to begin.
    var sequence: Int?
    /// The oldest first.
    private(set) var partials: [Partial] = []

    init(id: EntityID, in mirror: Mirror) {
        self.id = id
        self.sequence = mirror.start.nanoseconds == 0 ? 0 : nil
    }

    /// Takes in messages whose numbers follow on the last one.
    mutating func take(_ messages: [MirrorMessage], in mirror: Mirror) -> Taken {
        var taken = Taken(changes: EntryChanges(prefix: self.entryPrefix))
        for message in messages {
            self.giveUp(before: message.time, in: mirror, &taken)
            self.take(message, in: mirror, &taken)
            self.sequence = message.sequence
            taken.facts += 1
        }
        taken.changes.put("at", self.json)
        return taken
    }

    private mutating func take(_ message: MirrorMessage, in mirror: Mirror, _ taken: inout Taken) {
        guard let chunk = message.chunk, chunk.total <= Self.maxParts else {
            return taken.events.append(message.event(in: mirror))
        }
        let found = self.partials.firstIndex { $0.parts[0].chunk?.message.hasSameBytes(as: chunk.message) ?? false }
        guard let found else {
            if self.partials.count >= Self.maxPartials { self.giveUp(0, in: mirror, &taken) }
            self.partials.append(Partial(total: chunk.total, parts: [message]))
            return self.write(self.partials.count - 1, &taken)
        }
        let partial = self.partials[found]
        guard partial.total == chunk.total, !partial.parts.contains(where: { $0.chunk?.number == chunk.number }) else {
            // A part that is there already, or of another cut: of no use to the whole, and not lost.
            return taken.events.append(message.event(in: mirror))
        }
        self.partials[found].parts.append(message)
        if self.partials[found].bytes > Self.maxBytes { return self.giveUp(found, in: mirror, &taken) }
        guard self.partials[found].parts.count == chunk.total else { return self.write(found, &taken) }
        let parts = self.partials[found].parts.sorted { ($0.chunk?.number ?? 0) < ($1.chunk?.number ?? 0) }
        var whole = message
        whole.chunk = nil
        whole.content = parts.flatMap(\.content)
        taken.events.append(whole.event(in: mirror, parts: chunk.total))
        self.remove(found, &taken)
    }

    /// Tells of the parts of a message as they are.
    private mutating func giveUp(_ place: Int, in mirror: Mirror, _ taken: inout Taken) {
        taken.events += self.partials[place].parts.map { $0.event(in: mirror) }
        self.remove(place, &taken)
    }

    private mutating func giveUp(before time: ConsensusTime, in mirror: Mirror, _ taken: inout Taken) {
        while let oldest = self.partials.first, time.duration(since: oldest.parts[0].time) > Self.patience {
            self.giveUp(0, in: mirror, &taken)
        }
    }

    // MARK: As entries

    static let prefix = "place/t/"

    var entryPrefix: String {
        "\(Self.prefix)\(self.id)/"
    }

    private static func entryName(_ partial: Partial) -> String {
        let digits = String(partial.parts[0].sequence)
        return "m/" + String(repeating: "0", count: max(0, 19 - digits.count)) + digits
    }

    private mutating func remove(_ place: Int, _ taken: inout Taken) {
        taken.changes.remove(Self.entryName(self.partials[place]))
        self.partials.remove(at: place)
    }

    private func write(_ place: Int, _ taken: inout Taken) {
        var writer = JSON.Writer()
        writer.beginArray()
        for part in self.partials[place].parts { part.write(to: &writer) }
        writer.endArray()
        taken.changes.put(Self.entryName(self.partials[place]), writer.bytes)
    }

    private var json: [UInt8] {
        var writer = JSON.Writer()
        writer.beginObject()
        if let sequence { writer.member("sequence", integer: sequence) }
        writer.endObject()
        return writer.bytes
    }

    /// What was stored, under names without ``entryPrefix``; as at the beginning where there is nothing.
    init(id: EntityID, in mirror: Mirror, _ entries: [SourceEntry]) throws(FollowFault) {
        self.init(id: id, in: mirror)
        guard let place = entries.first(where: { $0.name == "at" }) else { return }
        let damaged = FollowFault.stopped("the place of topic \(id) is not as this program writes it")
        guard let sequence = (try? JSON.Value.parse(place.value))?["sequence"]?.integer(in: .seq) else {
            throw damaged
        }
        self.sequence = sequence
        for entry in entries.sorted(by: { $0.name < $1.name }) where entry.name.hasPrefix("m/") {
            guard let value = try? JSON.Value.parse(entry.value) else { throw damaged }
            var parts: [MirrorMessage] = []
            for element in value.elements {
                do throws(NodeFault) { parts.append(try MirrorMessage(element)) } catch { throw damaged }
            }
            guard let total = parts.first?.chunk?.total else { throw damaged }
            self.partials.append(Partial(total: total, parts: parts))
        }
    }
}
