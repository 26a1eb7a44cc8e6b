// SPDX-License-Identifier: Apache-2.0


/// One event of the memory tape, shared by its channels.
final class Record {
    /// Retention state: waiting, skipped as the newest of a slot, or removed.
    enum Standing {
        case waiting
        case kept
        case removed
    }

    let event: Event
    let key: EventKey
    /// Index of its type in the tape's list.
    let type: Int
    let accepted: Timestamp
    /// Number of the event in the order of the tape.
    let ordinal: Int
    /// Indices of the channels in the tape's list, in the order of the event's keys.
    let channels: [Int]
    /// Its sequence numbers in these channels.
    let seqs: [Int]
    var standing = Standing.waiting

    init(
        event: Event,
        key: EventKey,
        type: Int,
        accepted: Timestamp,
        ordinal: Int,
        channels: [Int],
        seqs: [Int]
    ) {
        self.event = event
        self.key = key
        self.type = type
        self.accepted = accepted
        self.ordinal = ordinal
        self.channels = channels
        self.seqs = seqs
    }

    /// Approximate memory cost counted by the budget, in bytes.
    ///
    /// 512 is the measured cost of the object, table entries and list elements.
    var cost: Int {
        self.event.data.count + self.event.id.utf8.count + self.event.source.utf8.count + 512 + 64 * self.seqs.count
    }
}
