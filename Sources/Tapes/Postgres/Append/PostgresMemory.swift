// SPDX-License-Identifier: Apache-2.0

import Hub

/// What the appending node remembers from one attempt to the next.
struct PostgresMemory: Sendable {
    let epoch: String
    /// Nil for the server's clock.
    let clock: (@Sendable () -> Timestamp)?
    /// Times of acceptance never go back on this node, nor on a channel.
    var lastAccepted: Timestamp
    var partitions = PostgresPartitions()
    /// `channels.id` by name; rows stay for ever.
    var channels: [ChannelName: Int] = [:]
    /// Channels remembered at once; about 150 bytes each.
    static let maxChannels = 200_000
    /// Whether `COMMIT` was sent and not answered.
    var isCommitting = false
    /// Receipts of the present call's attempts that may have been committed.
    var lost: Set<[UInt8]> = []

    /// Hands over what is remembered; what stays is only what others read meanwhile.
    mutating func take() -> PostgresMemory {
        var taken = PostgresMemory(epoch: self.epoch, clock: self.clock, lastAccepted: self.lastAccepted)
        swap(&taken, &self)
        return taken
    }
}
