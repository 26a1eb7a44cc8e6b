// SPDX-License-Identifier: Apache-2.0

package import EventLog
import GRDB

extension SQLiteTape {
    package func extents(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: Extent] {
        try await self.read { db in
            let reading = try Reading(db, epoch: self.epoch)
            var extents: [ChannelName: Extent] = [:]
            extents.reserveCapacity(channels.count)
            for name in channels {
                extents[name] = try reading.channel(name).extent
            }
            return extents
        }
    }

    package func page(of channel: ChannelName, after seq: Int, limit: PageLimit) async throws(TapeFault) -> TapePage {
        try await self.read { db in
            try Reading(db, epoch: self.epoch).page(of: channel, after: seq, limit: limit)
        }
    }

    package func latest(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: TapePage] {
        try await self.read { db in
            let reading = try Reading(db, epoch: self.epoch)
            var pages: [ChannelName: TapePage] = [:]
            pages.reserveCapacity(channels.count)
            for name in channels {
                pages[name] = try reading.latest(of: name)
            }
            return pages
        }
    }

    package func channels(
        withPrefix prefix: String,
        after name: String?,
        limit: Int
    ) async throws(TapeFault) -> [ChannelListing] {
        try await self.read { db in
            try Reading(db, epoch: self.epoch).channels(withPrefix: prefix, after: name, limit: limit)
        }
    }
}
