// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// Checkpoint of one topic.
///
/// Sequence numbers of messages have no gaps, so nothing is missing before a message with the next number: each message
/// is published once, in order, as soon as it is available. The chunks of a long message are kept until it is complete.
struct TopicCheckpoint: Sendable, Equatable {
    /// A message with missing chunks.
    struct Partial: Sendable, Equatable {
        let total: Int
        /// In order of arrival; at least one.
        var parts: [MirrorMessage]

        var bytes: Int { self.parts.reduce(0) { $0 + $1.content.count } }
    }

    /// Maximum number of chunks of a message that is joined (at most 1,024 bytes each on current networks), and its
    /// maximum size. A longer message is published chunk by chunk.
    static let maxParts = 40
    static let maxBytes = 45_000
    /// Maximum number of incomplete messages. Above it, the oldest is published chunk by chunk.
    static let maxPartials = 64
    /// How long to wait for the remaining chunks, in consensus time.
    static let patience: Duration = .seconds(86_400)

    let id: EntityID
    /// Sequence number of the last processed message; nil until the first one is known.
    var sequence: Int?
    /// Oldest first.
    private(set) var partials: [Partial] = []

    init(id: EntityID, in mirror: Mirror) {
        self.id = id
        self.sequence = mirror.start.nanoseconds == 0 ? 0 : nil
    }

    /// Processes messages whose numbers follow the last one.
    mutating func take(_ messages: [MirrorMessage], in mirror: Mirror) -> StepResult {
        var result = StepResult(changes: EntryChanges(prefix: self.entryPrefix))
        for message in messages {
            self.giveUp(before: message.time, in: mirror, &result)
            self.take(message, in: mirror, &result)
            self.sequence = message.sequence
            result.facts += 1
        }
        result.changes.put("at", self.json)
        return result
    }

    private mutating func take(_ message: MirrorMessage, in mirror: Mirror, _ result: inout StepResult) {
        guard let chunk = message.chunk, chunk.total <= Self.maxParts else {
            return result.events.append(message.event(in: mirror))
        }
        let found = self.partials.firstIndex { $0.parts[0].chunk?.message.hasSameBytes(as: chunk.message) ?? false }
        guard let found else {
            if self.partials.count >= Self.maxPartials { self.giveUp(0, in: mirror, &result) }
            self.partials.append(Partial(total: chunk.total, parts: [message]))
            return self.write(self.partials.count - 1, &result)
        }
        let partial = self.partials[found]
        guard partial.total == chunk.total, !partial.parts.contains(where: { $0.chunk?.number == chunk.number }) else {
            // A duplicate chunk, or one with another total: not part of the message, but not dropped either.
            return result.events.append(message.event(in: mirror))
        }
        self.partials[found].parts.append(message)
        if self.partials[found].bytes > Self.maxBytes { return self.giveUp(found, in: mirror, &result) }
        guard self.partials[found].parts.count == chunk.total else { return self.write(found, &result) }
        let parts = self.partials[found].parts.sorted { ($0.chunk?.number ?? 0) < ($1.chunk?.number ?? 0) }
        var whole = message
        whole.chunk = nil
        whole.content = parts.flatMap(\.content)
        result.events.append(whole.event(in: mirror, parts: chunk.total))
        self.remove(found, &result)
    }

    /// Publishes the chunks of a message separately.
    private mutating func giveUp(_ place: Int, in mirror: Mirror, _ result: inout StepResult) {
        result.events += self.partials[place].parts.map { $0.event(in: mirror) }
        self.remove(place, &result)
    }

    private mutating func giveUp(before time: ConsensusTime, in mirror: Mirror, _ result: inout StepResult) {
        while let oldest = self.partials.first, time.duration(since: oldest.parts[0].time) > Self.patience {
            self.giveUp(0, in: mirror, &result)
        }
    }

    // MARK: Stored form

    static let prefix = "place/t/"

    var entryPrefix: String {
        "\(Self.prefix)\(self.id)/"
    }

    private static func entryName(_ partial: Partial) -> String {
        let digits = String(partial.parts[0].sequence)
        return "m/" + String(repeating: "0", count: max(0, 19 - digits.count)) + digits
    }

    private mutating func remove(_ place: Int, _ result: inout StepResult) {
        result.changes.remove(Self.entryName(self.partials[place]))
        self.partials.remove(at: place)
    }

    private func write(_ place: Int, _ result: inout StepResult) {
        var writer = JSON.Writer()
        writer.beginArray()
        for part in self.partials[place].parts { part.write(to: &writer) }
        writer.endArray()
        result.changes.put(Self.entryName(self.partials[place]), writer.bytes)
    }

    private var json: [UInt8] {
        var writer = JSON.Writer()
        writer.beginObject()
        if let sequence { writer.member("sequence", integer: sequence) }
        writer.endObject()
        return writer.bytes
    }

    /// Reads stored entries, named without ``entryPrefix``; the initial checkpoint when nothing is stored.
    init(id: EntityID, in mirror: Mirror, _ entries: [SourceEntry]) throws(FollowFault) {
        self.init(id: id, in: mirror)
        guard let place = entries.first(where: { $0.name == "at" }) else { return }
        let damaged = FollowFault.stopped("the stored checkpoint of topic \(id) is malformed")
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
