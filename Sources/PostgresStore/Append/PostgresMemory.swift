// SPDX-License-Identifier: Apache-2.0

import EventLog
import NIOCore

/// A row of `channels`.
struct PostgresChannel: Sendable {
    /// What appends change.
    struct State: Sendable {
        var head: Int
        /// The partition that holds the head.
        var part: Int32
        var isSlotted: Bool
    }

    let id: Int
    /// As this node saw it last, if it did; another node may have gone on since.
    var state: State?
    /// The highest number that this node has seen committed.
    var highest = 0
}

/// The server's clock as it was when it was asked, and what it has to be now.
struct PostgresTime: Sendable {
    private let answer: Timestamp
    private let moment: NIODeadline
    /// How long the two clocks are trusted to run at one pace.
    private static let trust = TimeAmount.seconds(60)

    init(_ answer: Timestamp, at moment: NIODeadline = .now()) {
        self.answer = answer
        self.moment = moment
    }

    func now(_ now: NIODeadline = .now()) -> Timestamp? {
        let age = now - self.moment
        return age < Self.trust ? self.answer.advanced(by: .nanoseconds(age.nanoseconds)) : nil
    }
}

/// What the appending node remembers from one attempt to the next.
struct PostgresMemory: Sendable {
    let epoch: String
    /// Nil for the server's clock.
    let clock: (@Sendable () -> Timestamp)?
    /// Times of acceptance never go back on this node, nor on a channel.
    var lastAccepted: Timestamp
    var partitions = PostgresPartitions()
    /// Rows stay for ever, so their ids do not change.
    var channels: [ChannelName: PostgresChannel] = [:]
    /// Channels remembered at once; about 200 bytes each.
    static let maxChannels = 200_000
    /// The server's clock.
    var time: PostgresTime?
    /// Appends that are yet to look before they write; see ``PostgresAppend``.
    var caution = 0
    /// Whether `COMMIT` was sent and not answered.
    var isCommitting = false
    /// Receipts of the present call's attempts that may have been committed.
    var lost: Set<ReceiptKey> = []

    /// Hands over what is remembered; what stays is only what others read meanwhile.
    mutating func take() -> PostgresMemory {
        var taken = PostgresMemory(epoch: self.epoch, clock: self.clock, lastAccepted: self.lastAccepted)
        swap(&taken, &self)
        return taken
    }
}
