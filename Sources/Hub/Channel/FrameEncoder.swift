// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON
package import NIOCore

/// Encodes the events of one channel into the frames that are sent to its subscribers.
package struct FrameEncoder: Sendable {
    private let framing: Framing
    private let budget: RingBudget
    /// `"channel":"…","seq":`
    private let channelPart: [UInt8]

    /// - Parameter budget: Includes compressed frames.
    package init(channel: ChannelName, framing: Framing, budget: RingBudget = RingBudget(limit: .max)) {
        self.framing = framing
        self.budget = budget
        var writer = JSON.Writer()
        writer.string(channel.description)
        self.channelPart = Array("\"channel\":".utf8) + writer.bytes + Array(",\"seq\":".utf8)
    }

    /// The kind of frame.
    package enum Operation: Sendable {
        case event
        /// The state at the start of a subscription.
        case snapshot

        fileprivate var opening: StaticString {
            switch self {
            case .event: "{\"op\":\"event\","
            case .snapshot: "{\"op\":\"snapshot\","
            }
        }
    }

    /// Encodes consecutive entries into one buffer; nil if there are none.
    package func run(_ entries: some Collection<TapeEntry>) -> FrameRun? {
        guard let first = entries.first else { return nil }
        var bytes = ByteBuffer()
        bytes.reserveCapacity(entries.reduce(0) { $0 + $1.cost + self.channelPart.count + Framing.maxHeaderLength })
        var message: [UInt8] = []
        var ends: [Int] = []
        if entries.count > 1 { ends.reserveCapacity(entries.count) }
        for entry in entries {
            message.removeAll(keepingCapacity: true)
            self.append(.event, entry, to: &message)
            self.framing.append(message, to: &bytes)
            if entries.count > 1 { ends.append(bytes.readableBytes) }
        }
        let compressed = self.framing.compress.map { CompressedFrames(compress: $0, budget: self.budget) }
        return FrameRun(first: first.seq, count: entries.count, bytes: bytes, ends: ends, compressed: compressed)
    }

    /// Encodes a single frame.
    /// - Parameter skipped: The number of skipped events before it.
    package func frame(_ operation: Operation, _ entry: TapeEntry, skipped: Int = 0) -> ByteBuffer {
        var message: [UInt8] = []
        self.append(operation, entry, skipped: skipped, to: &message)
        return self.framing.frame(message)
    }

    private func append(
        _ operation: Operation,
        _ entry: TapeEntry,
        skipped: Int = 0,
        to message: inout [UInt8]
    ) {
        message.reserveCapacity(message.count + entry.cost + self.channelPart.count + 32)
        message.append(literal: operation.opening)
        message.append(contentsOf: self.channelPart)
        message.append(decimal: entry.seq)
        if skipped > 0 {
            message.append(literal: ",\"skipped\":")
            message.append(decimal: skipped)
        }
        message.append(literal: ",\"id\":")
        JSON.Writer.append(entry.id, to: &message)
        message.append(literal: ",\"time\":\"")
        entry.time.write(to: &message)
        if let trace = entry.trace {
            message.append(literal: "\",\"traceparent\":\"")
            message.append(string: trace.traceparent)
        }
        message.append(literal: "\",\"data\":")
        message.append(contentsOf: entry.data)
        message.append(UInt8(ascii: "}"))
    }
}
