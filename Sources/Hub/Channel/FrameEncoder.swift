// SPDX-License-Identifier: Apache-2.0

import JSON
package import NIOCore

/// Encodes the events of one channel into the frames that its subscribers get.
package struct FrameEncoder: Sendable {
    private let framing: Framing
    private let budget: RingBudget
    /// `"channel":"…","seq":`
    private let channelPart: [UInt8]

    /// - Parameter budget: Compressed frames count against it.
    package init(channel: ChannelName, framing: Framing, budget: RingBudget = RingBudget(limit: .max)) {
        self.framing = framing
        self.budget = budget
        var writer = JSON.Writer()
        writer.string(channel.description)
        self.channelPart = Array("\"channel\":".utf8) + writer.bytes + Array(",\"seq\":".utf8)
    }

    /// What kind of frame tells of an event.
    package enum Operation: Sendable {
        case event
        /// The state at the beginning of a subscription.
        case snapshot

        fileprivate var opening: StaticString {
            switch self {
            case .event: "{\"op\":\"event\","
            case .snapshot: "{\"op\":\"snapshot\","
            }
        }
    }

    /// One buffer for consecutive entries; nil when there are none.
    package func run(_ entries: some Collection<TapeEntry>) -> FrameRun? {
        guard let first = entries.first else { return nil }
        var bytes = ByteBuffer()
        bytes.reserveCapacity(entries.reduce(0) { $0 + $1.cost + self.channelPart.count + Framing.maxHeaderLength })
        var ends: [Int] = []
        ends.reserveCapacity(entries.count)
        for entry in entries {
            self.framing.append(self.message(.event, entry), to: &bytes)
            ends.append(bytes.readableBytes)
        }
        let compressed = self.framing.compress.map { CompressedFrames(compress: $0, budget: self.budget) }
        return FrameRun(first: first.seq, bytes: bytes, ends: ends, compressed: compressed)
    }

    /// One frame of its own.
    /// - Parameter skipped: How many events before it were passed over.
    package func frame(_ operation: Operation, _ entry: TapeEntry, skipped: Int = 0) -> ByteBuffer {
        self.framing.frame(self.message(operation, entry, skipped: skipped))
    }

    private func message(_ operation: Operation, _ entry: TapeEntry, skipped: Int = 0) -> [UInt8] {
        var message: [UInt8] = []
        message.reserveCapacity(entry.cost + self.channelPart.count + 32)
        Self.append(operation.opening, to: &message)
        message.append(contentsOf: self.channelPart)
        message.append(contentsOf: String(entry.seq).utf8)
        if skipped > 0 {
            Self.append(",\"skipped\":", to: &message)
            message.append(contentsOf: String(skipped).utf8)
        }
        Self.append(",\"id\":", to: &message)
        var id = JSON.Writer(reservingCapacity: entry.id.utf8.count + 2)
        id.string(entry.id)
        message.append(contentsOf: id.bytes)
        Self.append(",\"time\":\"", to: &message)
        message.append(contentsOf: entry.time.description.utf8)
        Self.append("\",\"data\":", to: &message)
        message.append(contentsOf: entry.data)
        message.append(UInt8(ascii: "}"))
        return message
    }

    private static func append(_ text: StaticString, to message: inout [UInt8]) {
        text.withUTF8Buffer { unsafe message.append(contentsOf: $0) }
    }
}
