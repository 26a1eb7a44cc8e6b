// SPDX-License-Identifier: Apache-2.0

import JSON

/// An event as a subscriber gets it.
public struct Event: Sendable, Equatable {
    /// The channel's full name, such as `rateChange:BTC/USDT`.
    public var channel: String
    /// The epoch of the channel's numbering that ``seq`` belongs to; together they are the position to resume from.
    ///
    /// Empty in messages of ``Connection``, whose frames do not carry it.
    public var epoch: String
    /// Its number in the channel: 1, 2, 3 … without a gap.
    public var seq: Int
    /// How many events before it were skipped because only the newest value counts and the client was behind.
    public var skipped: Int
    /// Unique for its publisher; the same in every channel the event appears in.
    public var id: String
    /// When it happened, RFC 3339 in UTC.
    public var time: String
    /// W3C Trace Context, where the event has one.
    public var traceparent: String?
    /// The payload as JSON text, exactly as published: amounts are decimal strings and stay unchanged.
    public var data: [UInt8]

    /// Creates an event.
    public init(
        channel: String,
        epoch: String = "",
        seq: Int,
        skipped: Int = 0,
        id: String,
        time: String,
        traceparent: String? = nil,
        data: [UInt8]
    ) {
        self.channel = channel
        self.epoch = epoch
        self.seq = seq
        self.skipped = skipped
        self.id = id
        self.time = time
        self.traceparent = traceparent
        self.data = data
    }

    /// The event type: the part before the colon of the channel.
    public var type: String { String(self.channel.split(atFirst: ":")?.before ?? self.channel[...]) }

    /// The part after the first colon of the channel.
    public var key: String { String(self.channel.split(atFirst: ":")?.behind ?? "") }

    /// Its approximate size in memory, in bytes.
    var cost: Int {
        self.data.count + self.channel.utf8.count + self.id.utf8.count + 128
    }
}

/// A position in a channel: everything up to and including `seq` is known.
public struct Position: Sendable, Hashable {
    /// The channel's full name.
    public var channel: String
    /// The epoch of the numbering that `seq` belongs to.
    public var epoch: String
    /// The number of the last known event; 0 is before the first.
    public var seq: Int

    /// By bytes: channels whose names only look the same are different ones.
    public static func == (left: Self, right: Self) -> Bool {
        left.seq == right.seq && left.epoch.hasSameBytes(as: right.epoch)
            && left.channel.hasSameBytes(as: right.channel)
    }

    /// By bytes, as `==`.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(bytesOf: self.channel)
        hasher.combine(bytesOf: self.epoch)
        hasher.combine(self.seq)
    }

    /// Creates a position.
    public init(channel: String, epoch: String, seq: Int) {
        self.channel = channel
        self.epoch = epoch
        self.seq = seq
    }
}
