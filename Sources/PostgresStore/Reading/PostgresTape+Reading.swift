// SPDX-License-Identifier: Apache-2.0

package import EventLog

extension PostgresTape {
    /// Attempts when retention removes partitions between finding and reading them.
    private static let maxAttempts = 5

    /// Reads in one snapshot, again when a partition was removed meanwhile.
    private func read<Value: Sendable>(
        _ work: @escaping @Sendable (PostgresReading) throws(PostgresFault) -> Value
    ) async throws(TapeFault) -> Value {
        let epoch = self.epoch
        for attempt in 1... {
            do throws(PostgresFault) {
                return try await self.reading.read { session throws(PostgresFault) in
                    try PostgresReading.run(session, epoch: epoch, work)
                }
            } catch {
                guard error.isMissingTable, attempt < Self.maxAttempts else { throw error.tapeFault }
            }
        }
        throw .unavailable("unreachable")
    }

    /// Also notices that the database holds another log.
    package func probe() async throws(TapeFault) {
        let epoch = self.epoch
        try await self.read { reading throws(PostgresFault) in
            let answers = try reading.session.run([
                PostgresCommand(.beginReading), PostgresCommand(PostgresSession.findEpoch),
            ])
            try PostgresSession.recognise(answers[1].count == 1 ? answers[1].text(0, 0) : nil, epoch)
        }
    }

    package func extents(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: Extent] {
        guard !channels.isEmpty else { return [:] }
        return try await self.read { reading throws(PostgresFault) in
            try reading.channels(channels).mapValues(\.extent)
        }
    }

    package func page(of channel: ChannelName, after seq: Int, limit: PageLimit) async throws(TapeFault) -> TapePage {
        try await self.read { reading throws(PostgresFault) in try reading.page(of: channel, after: seq, limit: limit) }
    }

    package func latest(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: TapePage] {
        guard !channels.isEmpty else { return [:] }
        return try await self.read { reading throws(PostgresFault) in try reading.latest(of: channels) }
    }

    package func channels(
        withPrefix prefix: String,
        after name: String?,
        limit: Int
    ) async throws(TapeFault) -> [ChannelListing] {
        try await self.read { reading throws(PostgresFault) in
            try reading.channels(withPrefix: prefix, after: name, limit: limit)
        }
    }
}
