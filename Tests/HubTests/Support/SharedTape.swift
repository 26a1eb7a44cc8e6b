// SPDX-License-Identifier: Apache-2.0

import EventLog

/// A tape for several hubs: closing one must not take it from the others.
struct SharedTape: Tape {
    let base = MemoryTape()
    var epoch: String { self.base.epoch }
    var isShared: Bool { true }

    func append(_ requests: [[Event]]) async throws(TapeFault) -> [AppendOutcome] {
        try await self.base.append(requests)
    }

    func extents(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: Extent] {
        try await self.base.extents(of: channels)
    }

    func page(of channel: ChannelName, after seq: Int, limit: PageLimit) async throws(TapeFault) -> TapePage {
        try await self.base.page(of: channel, after: seq, limit: limit)
    }

    func latest(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: TapePage] {
        try await self.base.latest(of: channels)
    }

    func channels(
        withPrefix prefix: String,
        after name: String?,
        limit: Int
    ) async throws(TapeFault) -> [ChannelListing] {
        try await self.base.channels(withPrefix: prefix, after: name, limit: limit)
    }

    func prune(type: String, acceptedBefore time: Timestamp, limit: Int) async throws(TapeFault) -> Int {
        try await self.base.prune(type: type, acceptedBefore: time, limit: limit)
    }

    func close() async {}
}
