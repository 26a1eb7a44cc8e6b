// SPDX-License-Identifier: Apache-2.0

/// One event as the memory tape holds it, shared by its channels.
final class Record {
    /// How it stands with forgetting: it waits for it, or was passed over as the newest of a slot, or is forgotten.
    enum Standing {
        case waiting
        case kept
        case removed
    }

    let event: Event
    let key: EventKey
    /// Place of its type in the tape's list.
    let type: Int
    let accepted: Timestamp
    /// Counts the tape's events in the order in which they stand.
    let ordinal: Int
    /// Places of the channels in the tape's list, in the order of the event's keys.
    let channels: [Int]
    /// Its numbers there.
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

    /// About what it costs to hold, in bytes: what the budget counts.
    ///
    /// 512 is what object, table entries and places in lists came to when measured.
    var cost: Int {
        self.event.data.count + self.event.id.utf8.count + self.event.source.utf8.count + 512 + 64 * self.seqs.count
    }
}
