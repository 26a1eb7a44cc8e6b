// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

/// What the rules would otherwise spell out at every line.
extension Tape {
    /// Appends one request.
    func append(_ request: Event...) async throws -> AppendOutcome {
        try #require(try await self.append([request]).first)
    }

    /// Appends a request per event in one call.
    func appendEach(_ events: [Event]) async throws {
        let outcomes = try await self.append(events.map { [$0] })
        try #require(outcomes.count == events.count)
    }

    func extent(of channel: ChannelName) async throws -> Extent {
        try #require(try await self.extents(of: [channel])[channel])
    }

    func latest(of channel: ChannelName) async throws -> TapePage {
        try #require(try await self.latest(of: [channel])[channel])
    }

    func page(
        of channel: ChannelName,
        after seq: Int = 0,
        entries: Int = 1000,
        bytes: Int = 1_000_000
    ) async throws -> TapePage {
        try await self.page(of: channel, after: seq, limit: PageLimit(entries: entries, bytes: bytes))
    }

    /// The numbers that `first ... head` of a channel has.
    func range(of channel: ChannelName) async throws -> [Int] {
        let extent = try await self.extent(of: channel)
        return [extent.first, extent.head]
    }
}

extension TapePage {
    var seqs: [Int] { self.entries.map(\.seq) }
    var ids: [String] { self.entries.map(\.id) }
}

extension AppendOutcome {
    /// The numbers per event; nil for a conflict.
    var seqs: [[Int]]? {
        switch self {
        case .committed(let receipts): receipts.map { $0.positions.map(\.seq) }
        case .conflict, .refused: nil
        }
    }

    /// The statuses per event; nil for a conflict.
    var statuses: [Receipt.Status]? {
        switch self {
        case .committed(let receipts): receipts.map(\.status)
        case .conflict, .refused: nil
        }
    }
}
