// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import EventLog

/// What a client got of one channel, compared with the log.
struct Reader {
    private let channel: String
    private let client: Int
    private let cluster: Cluster
    /// The last number that it got, or that was before its beginning; nil before the beginning.
    private var last: Int?
    private var isSubscribed = false
    /// The newest number of each slot.
    private var slots: [String: Int] = [:]
    /// The head at the beginning of a subscription that showed only the newest.
    private var hasState = false

    init(_ channel: String, client: Int, cluster: Cluster) {
        self.channel = channel
        self.client = client
        self.cluster = cluster
    }

    private var commitLog: CommitLog { self.cluster.commitLog }
    private var isLatest: Bool { self.channel.hasPrefix("price:") || self.channel.hasPrefix("purse:") }

    private func fail(_ what: String) {
        Simulation.current.fail("client \(self.client), \(self.channel): \(what)")
    }

    /// A restarted client continues after a number.
    mutating func resume(after seq: Int) {
        self.last = seq
    }

    mutating func subscribed(at seq: Int, head: Int, mode: Message.Mode) {
        self.isSubscribed = true
        let known = self.commitLog.head(of: self.channel)
        guard head <= known else { return self.fail("it got the head \(head), the log ends at \(known)") }
        switch mode {
        case .resumed:
            if let last, last != seq { self.fail("it resumed at \(seq) instead of \(last)") }
            self.last = seq
        case .live, .snapshot:
            if let last, head < last { self.fail("the head fell from \(last) to \(head)") }
            self.last = head
            self.hasState = mode == .snapshot || head == 0
        }
    }

    private func check(_ event: BroadtapeClient.Event) {
        guard let line = self.commitLog.line(self.channel, event.seq) else {
            return self.fail("it got number \(event.seq), which is not committed")
        }
        guard line.id == event.id, line.data == event.data else {
            return self.fail("number \(event.seq) is \(line.id) in the log, and came as \(event.id)")
        }
    }

    mutating func receivedSnapshot(_ event: BroadtapeClient.Event) {
        self.check(event)
        if let line = self.commitLog.line(self.channel, event.seq) { self.slots[line.slot] = event.seq }
    }

    mutating func received(_ event: BroadtapeClient.Event) {
        self.check(event)
        guard let last else { return self.fail("number \(event.seq) came before the beginning") }
        guard event.seq > last else { return self.fail("number \(event.seq) came after \(last)") }
        let skipped = self.isLatest ? event.skipped : 0
        guard event.seq == last + 1 + skipped else {
            return self.fail("number \(event.seq) came after \(last), \(skipped) were skipped")
        }
        self.last = event.seq
        if let line = self.commitLog.line(self.channel, event.seq) { self.slots[line.slot] = event.seq }
    }

    /// The hub says that it cannot serve the position.
    mutating func missed(_ gap: Gap) {
        guard gap.reason == .cursorExpired else { return self.fail("a gap after \(gap.after): \(gap.reason)") }
        guard self.channel.hasPrefix("note:") || self.channel.hasPrefix("price:") else {
            return self.fail("the cursor \(gap.after) expired, and everything is retained")
        }
        self.last = nil
        self.slots = [:]
        self.isSubscribed = false
    }

    /// What it has not got, though it should; nil for nothing.
    var lack: String? {
        guard self.isSubscribed, let last else { return "\(self.channel) is not subscribed" }
        let head = self.commitLog.head(of: self.channel)
        guard last == head else { return "\(self.channel) is at \(last), the head is \(head)" }
        guard self.isLatest, self.hasState else { return nil }
        for (slot, seq) in self.commitLog.newest(of: self.channel) where self.slots[slot] != seq {
            return "\(self.channel) shows number \(self.slots[slot] ?? 0) of \(slot), the newest is \(seq)"
        }
        return nil
    }
}
