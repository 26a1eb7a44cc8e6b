// SPDX-License-Identifier: Apache-2.0

import EventLog
import NIOCore

/// A row of `channels`.
struct PostgresChannel: Sendable {
    /// State that appends change.
    struct State: Sendable {
        var head: Int
        /// The partition that holds the head.
        var part: Int32
        var isSlotted: Bool
    }

    let id: Int
    /// Last state known to this node, if any; another node may have appended since.
    var state: State?
    /// The highest number that this node has seen committed.
    var highest = 0
}

/// The server's clock when it was read, and its estimated time now.
struct PostgresTime: Sendable {
    private let answer: Timestamp
    private let moment: NIODeadline
    /// How long the clocks are assumed to run at the same rate.
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

/// The cache of the appending node between attempts.
struct AppendCache: Sendable {
    let epoch: String
    /// Nil for the server's clock.
    let clock: (@Sendable () -> Timestamp)?
    /// Times of acceptance never decrease on this node or on a channel.
    var lastAccepted: Timestamp
    var partitions = PostgresPartitions()
    /// Rows are never deleted, so their IDs do not change.
    var channels: [ChannelName: PostgresChannel] = [:]
    /// Maximum number of cached channels, about 200 bytes each.
    static let maxChannels = 200_000
    /// The server's clock.
    var time: PostgresTime?
    /// Remaining appends that use the locked path; see ``PostgresAppend``.
    var caution = 0
    /// Whether `COMMIT` was sent without an answer.
    var isCommitting = false
    /// Receipts of the current call's attempts that may have been committed.
    var lost: Set<ReceiptKey> = []

    /// Moves the cache out; only values that others read meanwhile remain.
    mutating func take() -> AppendCache {
        var taken = AppendCache(epoch: self.epoch, clock: self.clock, lastAccepted: self.lastAccepted)
        swap(&taken, &self)
        return taken
    }
}
