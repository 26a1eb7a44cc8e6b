// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient

/// What everybody who takes part in a run knows.
struct Plan: Sendable {
    /// The channels of the run; those that everybody follows come first.
    let channels: [Trace.Channel]
    /// The events of a replay; a scenario makes its own.
    let entries: [Trace.Entry]
    /// What a scenario's events look like, one per channel; empty where contents are not checked.
    let contents: [EventContent]
    /// Names this run, so that its events are new ones.
    let run: String
    let table: ChannelTable
    let due: DueTimes
    private let idPrefix: [UInt8]
    /// Numbers of the run's events are below this.
    private let eventLimit: Int

    /// For the events of a trace.
    init(trace: Trace, run: String = Self.newRun()) {
        self.init(channels: trace.channels, entries: trace.entries, contents: [], run: run)
    }

    /// For events created during the run.
    init(channels: [Trace.Channel], contents: [EventContent], run: String = Self.newRun()) {
        self.init(channels: channels, entries: [], contents: contents, run: run)
    }

    private init(channels: [Trace.Channel], entries: [Trace.Entry], contents: [EventContent], run: String) {
        self.channels = channels
        self.entries = entries
        self.contents = contents
        self.run = run
        self.table = ChannelTable(channels.map(\.name))
        self.due = DueTimes(events: entries.count)
        self.idPrefix = Array("\(run)-".utf8)
        self.eventLimit = entries.isEmpty ? Int(Int32.max) : entries.count
    }

    /// A name that no run had before.
    static func newRun() -> String {
        String(UInt64.random(in: .min ... .max), radix: 36)
    }

    /// Who the run's events are from.
    var source: String { "broadtape-load:\(self.run)" }

    /// An event of a trace as it is published.
    func publication(of event: Int) throws(Publication.Invalid) -> Publication {
        let entry = self.entries[event]
        return try Publication(
            type: entry.type,
            keys: entry.keys,
            id: "\(self.run)-\(event)",
            source: self.source,
            time: entry.time,
            data: entry.data
        )
    }

    /// Which event an id names.
    func claim(_ text: borrowing Span<UInt8>, id: Range<Int>) -> Ledger.Claim {
        guard id.count > self.idPrefix.count, id.count <= self.idPrefix.count + 10 else { return .foreign }
        var index = id.lowerBound
        for byte in self.idPrefix {
            if text[index] != byte { return .foreign }
            index += 1
        }
        var event = 0
        while index < id.upperBound {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return .foreign }
            event = event * 10 + Int(digit)
            index += 1
        }
        return event < self.eventLimit ? .ours(event) : .foreign
    }

    /// Which of a channel's values an event replaces.
    func slot(of event: Int, in channel: Int) -> Int {
        guard self.entries.indices.contains(event) else { return 0 }
        let entry = self.entries[event]
        return entry.channels.firstIndex(of: channel).map { entry.slots[$0] } ?? 0
    }
}
