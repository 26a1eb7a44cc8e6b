// SPDX-License-Identifier: Apache-2.0

import Client

/// What everybody who takes part in a run knows.
struct Plan: Sendable {
    let trace: Trace
    /// Names this run, so that its events are new ones.
    let run: String
    let table: ChannelTable
    let due: DueTimes
    private let idPrefix: [UInt8]

    init(trace: Trace, run: String) {
        self.trace = trace
        self.run = run
        self.table = ChannelTable(trace.channels.map(\.name))
        self.due = DueTimes(events: trace.entries.count)
        self.idPrefix = Array("\(run)-".utf8)
    }

    /// An event as it is published.
    func publication(of event: Int) throws(Publication.Invalid) -> Publication {
        let entry = self.trace.entries[event]
        return try Publication(
            type: entry.type,
            keys: entry.keys,
            id: "\(self.run)-\(event)",
            source: "broadtape-load:\(self.run)",
            time: entry.time,
            data: entry.data
        )
    }

    /// Which event an id names.
    func claim(_ text: borrowing Span<UInt8>, id: Range<Int>) -> Ledger.Claim {
        guard id.count > self.idPrefix.count, id.count <= self.idPrefix.count + 9 else { return .foreign }
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
        return event < self.trace.entries.count ? .ours(event) : .foreign
    }

    /// Which of a channel's values an event replaces.
    func slot(of event: Int, in channel: Int) -> Int {
        let entry = self.trace.entries[event]
        return entry.channels.firstIndex(of: channel).map { entry.slots[$0] } ?? 0
    }
}

/// Finds channels by the bytes of their names, without making strings.
struct ChannelTable: Sendable {
    private var places: [Int32]
    private var bytes: [UInt8] = []
    private var ranges: [Range<Int>] = []
    private let mask: Int

    init(_ names: [String]) {
        var size = 16
        while size < names.count * 2 { size *= 2 }
        self.places = Array(repeating: -1, count: size)
        self.mask = size - 1
        for (place, name) in names.enumerated() {
            let start = self.bytes.count
            self.bytes.append(contentsOf: name.utf8)
            self.ranges.append(start..<self.bytes.count)
            var index = Self.hash(self.bytes.span, start..<self.bytes.count) & self.mask
            while self.places[index] >= 0 { index = (index + 1) & self.mask }
            self.places[index] = Int32(truncatingIfNeeded: place)
        }
    }

    /// The place of a channel; nil for one that is not of the trace.
    func find(_ text: borrowing Span<UInt8>, _ name: Range<Int>) -> Int? {
        var index = Self.hash(text, name) & self.mask
        while true {
            let place = Int(self.places[index])
            if place < 0 { return nil }
            if self.equals(place, text, name) { return place }
            index = (index + 1) & self.mask
        }
    }

    /// The place of a channel; nil for one that is not of the trace.
    func find(_ name: String) -> Int? {
        let bytes = Array(name.utf8)
        return self.find(bytes.span, 0..<bytes.count)
    }

    private func equals(_ place: Int, _ text: borrowing Span<UInt8>, _ name: Range<Int>) -> Bool {
        let range = self.ranges[place]
        guard range.count == name.count else { return false }
        for offset in 0..<range.count where self.bytes[range.lowerBound + offset] != text[name.lowerBound + offset] {
            return false
        }
        return true
    }

    /// FNV-1a.
    private static func hash(_ text: borrowing Span<UInt8>, _ name: Range<Int>) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in name { hash = (hash ^ UInt64(text[index])) &* 0x100_0000_01B3 }
        return Int(truncatingIfNeeded: hash >> 1)
    }
}
