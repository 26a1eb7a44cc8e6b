// SPDX-License-Identifier: Apache-2.0

import Crypto
import EventLog
import JSON

/// The `id` of a stream's event: the delivered position of each channel, so that `Last-Event-ID` resumes all of them.
///
/// `1,TAG.EPOCH.SEQ,TAG.EPOCH.SEQ …`, where the tag is a hash of the channel's name. A channel that is not in it begins
/// as requested. IDs are valid on every node, and after a restart.
struct StreamID: Equatable {
    /// Maximum number of channels in one stream.
    static let maxChannels = 50
    /// Maximum length of an ID, in bytes: ``maxChannels`` with epochs of ``maxEpochLength``. A head may have 16 KiB.
    static let maxLength = 2 << 10
    /// Maximum length of an epoch, in bytes. Epochs of the tapes have 8.
    static let maxEpochLength = 12
    private static let version = "1"
    /// 36 bits of a hash of the name.
    private static let tagLength = 6

    /// Delivered position of a channel.
    struct Position: Equatable {
        var epoch: String
        var seq: Int

        /// Nil for an epoch that does not fit an ID.
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

    /// Parses a `Last-Event-ID`; nil for IDs that no stream of this hub has sent.
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

    /// The tag of a channel in an ID.
    static func tag(of channel: ChannelName) -> String {
        String(Base64URL.encode(SHA256.hash(data: Array(channel.description.utf8))).prefix(Self.tagLength))
    }

    /// The part of one channel in an ID.
    static func part(_ tag: String, _ position: Position) -> [UInt8] {
        Array(",\(tag).\(position.epoch).\(position.seq)".utf8)
    }

    /// The beginning of an ID.
    static let opening = Array(Self.version.utf8)
}
