// SPDX-License-Identifier: Apache-2.0

import JSON
import TestSupport
import Testing

/// A client that subscribes and leaves at random and remembers how.
struct RandomClient {
    static let channels = ["note:a", "note:b", "purse:c", "price:d"]

    let client: TestClient
    /// Where the next subscription of a channel resumes.
    var cursors: [String: Int] = [:]
    private var subscribed: Set<String> = []
    /// Of each channel, the `since` of its subscriptions.
    private var starts: [String: [Int?]] = [:]

    init(client: TestClient, cursors: [String: Int] = [:]) {
        self.client = client
        self.cursors = cursors
    }

    mutating func toggleSubscription(of channel: String, _ dice: inout SplitMix) async throws {
        if self.subscribed.contains(channel) {
            try await self.client.becomeWritable()
            let before = self.client.messages("unsubscribed").count
            try await self.client.send(#"{"op":"unsubscribe","channel":"\#(channel)"}"#)
            try await self.client.expect(before + 1, "unsubscribed")
            self.subscribed.remove(channel)
            self.remember(channel)
        } else {
            try await self.client.becomeWritable()
            let choices = [self.cursors[channel] ?? 0, nil, 0]
            let since = choices.randomElement(using: &dice) ?? nil
            try await self.client.subscribe(channel, since.map { #""since":\#($0)"# } ?? "")
            self.starts[channel, default: []].append(since)
            self.subscribed.insert(channel)
        }
    }

    private mutating func remember(_ channel: String) {
        let told = self.client.messages("event", "snapshot", "subscribed").last { $0["channel"]?.string == channel }
        self.cursors[channel] = told?["seq"]?.integer(in: .seq) ?? 0
    }

    func setRoom(_ dice: inout SplitMix) async throws {
        switch Int.random(in: 0..<3, using: &dice) {
        case 0: try await self.client.becomeUnwritable()
        case 1: try await self.client.becomeWritable(Int.random(in: 1...20_000, using: &dice))
        default: try await self.client.becomeWritable()
        }
    }

    mutating func leave() async {
        await self.client.end()
        for channel in self.subscribed { self.remember(channel) }
    }

    func isAtTheEnd(_ heads: [String: Int]) -> Bool {
        let record = self.client.transport.record
        return self.subscribed.allSatisfy { channel in
            let mine = record.messages(["subscribed", "caughtUp"]).filter { $0["channel"]?.string == channel }
            return record.events(on: channel).last == heads[channel] && mine.last?["mode"]?.string != "resumed"
        }
    }

    // MARK: - What was promised

    /// Goes through all that came, one subscription after the other.
    /// - Parameter heads: Where those subscribed have to have come; nil for one who has left.
    func checkSequences(_ heads: [String: Int]?) throws {
        for channel in Self.channels {
            var starts = self.starts[channel] ?? []
            var next: Int?
            var isReplaying = false
            for message in self.client.messages() where message["channel"]?.string == channel {
                let seq = message["seq"]?.integer(in: .seq) ?? -1
                switch message["op"]?.string {
                case "subscribed":
                    let since = starts.removeFirst()
                    isReplaying = since != nil
                    next = (since ?? message["head"]?.integer(in: .seq) ?? -1) + 1
                case "unsubscribed":
                    next = nil
                case "caughtUp":
                    #expect(isReplaying)
                    #expect(seq + 1 == next)
                    isReplaying = false
                case "event":
                    let skipped = message["skipped"]?.integer(in: .seq) ?? 0
                    #expect(seq - skipped == next, "\(channel): \(seq) with \(skipped) skipped")
                    #expect(skipped == 0 || !isReplaying && !channel.hasPrefix("note"))
                    next = seq + 1
                case "snapshot":
                    #expect(next.map { seq < $0 } == true)
                default:
                    Issue.record("\(message.json)")
                }
            }
            if let heads, self.subscribed.contains(channel) {
                #expect(next == (heads[channel] ?? -1) + 1)
                #expect(!isReplaying)
            }
        }
    }

    /// Of every slot that changed since its subscription began, a client has the newest.
    /// - Parameter slots: Of each channel, those of its events.
    func checkSlots(_ slots: [String: [String]]) throws {
        for channel in self.subscribed {
            let mine = self.client.messages().filter { $0["channel"]?.string == channel }
            let first = try #require(mine.lastIndex { $0["op"]?.string == "subscribed" })
            let head = try #require(mine[first]["head"]?.integer(in: .seq))
            let start = try #require(self.starts[channel]?.last) ?? head
            let got = Set(
                mine[first...].filter { $0["op"]?.string == "event" }.compactMap { $0["seq"]?.integer(in: .seq) }
            )
            let newest = try #require(slots[channel]).enumerated().reduce(into: [String: Int]()) { newest, slot in
                newest[slot.element] = slot.offset + 1
            }
            for (slot, seq) in newest where seq > start {
                #expect(got.contains(seq), "\(channel): \(slot) at \(seq)")
            }
        }
    }
}
