// SPDX-License-Identifier: Apache-2.0

import EventLog

/// Commits for tests.
enum Samples {
    static let channel = ChannelName(type: "rateChange", key: "BTC/USDT")

    static func entry(_ seq: Int, dataBytes: Int = 20) -> TapeEntry {
        let data = #"{"n":"\#(seq)","x":""#
        let fill = String(repeating: "x", count: max(0, dataBytes - data.utf8.count - 2))
        return TapeEntry(
            seq: seq,
            id: "id-\(seq)",
            time: Timestamp(nanoseconds: 1_763_715_600_000_000_001 + Int64(seq)),
            data: Array("\(data)\(fill)\"}".utf8),
            slot: seq.isMultiple(of: 2) ? "" : "EUR"
        )
    }

    static func commit(_ seqs: ClosedRange<Int>, of channel: ChannelName = channel, dataBytes: Int = 20) -> ChannelBatch
    {
        ChannelBatch(channel: channel, entries: seqs.map { Self.entry($0, dataBytes: dataBytes) })
    }
}

extension [ChannelBatch] {
    /// The numbers of one channel, in order.
    func seqs(of channel: ChannelName = Samples.channel) -> [Int] {
        self.filter { $0.channel == channel }.flatMap { $0.entries.map(\.seq) }
    }
}
