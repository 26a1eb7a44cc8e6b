// SPDX-License-Identifier: Apache-2.0

import Crypto
import EventLog
import JSON

/// The `id` of an event of a stream: how far each of its channels was told, so that `Last-Event-ID` resumes all of them.
///
/// `1,TAG.EPOCH.SEQ,TAG.EPOCH.SEQ …`, where the tag stands for the channel's name. A channel that is not in it begins as
/// the request says. What is in the id holds on every node, and after a restart.
struct StreamID: Equatable {
    /// Channels of one stream.
    static let maxChannels = 50
    /// Longest id, in bytes: that of ``maxChannels`` with epochs of ``maxEpochLength``. A head has room for 16 KiB.
    static let maxLength = 2 << 10
    /// Longest epoch, in bytes. Those of the tapes have 8.
    static let maxEpochLength = 12
    private static let version = "1"
    /// 36 bits of the name.
    private static let tagLength = 6

    /// How far a channel was told.
    struct Position: Equatable {
        var epoch: String
        var seq: Int

        /// Nil for an epoch that an id cannot hold.
        init?(epoch: String, seq: Int) {
            guard (1...StreamID.maxEpochLength).contains(epoch.utf8.count), epoch.utf8.allSatisfy(Self.isPlain) else {
                return nil
            }
            self.epoch = epoch
            self.seq = seq
        }

        private static func isPlain(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default:
                false
            }
        }
    }

    /// By tag.
    var positions: [String: Position] = [:]

    init() {}

    /// Reads a `Last-Event-ID`; nil for what no stream of this hub has sent.
    init?(_ text: String) {
        guard text.utf8.count <= Self.maxLength else { return nil }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.first == Self.version[...], parts.count <= Self.maxChannels + 1 else { return nil }
        for part in parts.dropFirst() {
            let fields = part.split(separator: ".", omittingEmptySubsequences: false)
            guard fields.count == 3, fields[0].utf8.count == Self.tagLength,
                let seq = Int(decimal: fields[2], in: .seq),
                let position = Position(epoch: String(fields[1]), seq: seq),
                self.positions.updateValue(position, forKey: String(fields[0])) == nil
            else { return nil }
        }
    }

    /// What stands for a channel in an id.
    static func tag(of channel: ChannelName) -> String {
        String(Base64URL.encode(SHA256.hash(data: Array(channel.description.utf8))).prefix(Self.tagLength))
    }

    /// What one channel adds to an id.
    static func part(_ tag: String, _ position: Position) -> [UInt8] {
        Array(",\(tag).\(position.epoch).\(position.seq)".utf8)
    }

    /// What an id begins with.
    static let opening = Array(Self.version.utf8)
}
