// SPDX-License-Identifier: Apache-2.0

/// The durable log of all channels: the interface between the hub and the event store.
///
/// For implementers:
/// - ``append(_:)`` is called only by the ``TapeWriter``, one call at a time; all other methods by any number of
///   concurrent callers, also during an append.
/// - Results and errors are final: nothing is reported as committed that a crash could undo, and nothing that failed
///   may appear later, except as described for ``TapeFault/outcomeUnknown(_:)``.
/// - No method may block the calling thread on I/O.
package protocol Tape: Sendable {
    /// Identifies the life of the tape's numbering; other tapes have other epochs.
    var epoch: String { get }

    /// Whether other processes may append to the tape as well, so that the hub has to poll for their commits. There is
    /// no default, because a shared tape that does not declare it is never polled.
    var isShared: Bool { get }

    /// The cheapest possible read that reaches the storage.
    func probe() async throws(TapeFault)

    /// Appends requests in order, in one transaction that is durable when this returns.
    ///
    /// Each request is all or nothing. Its events get the next number on each of their channels, or their first
    /// positions again if their `(source, id)` is already retained with the same fingerprint. If the id of one event is
    /// used for different content, its request becomes a ``AppendOutcome/conflict(items:)``; the other requests are not
    /// affected. Deduplication includes earlier events of the same call and of the same request. The projections of
    /// accepted events (``Event/projection``) are written in the same transaction, see ``ProjectionBatch``.
    /// - Returns: One outcome per request, in the same order.
    func append(_ requests: [[Event]]) async throws(TapeFault) -> [AppendOutcome]

    /// The extents of channels; a channel that never had an event has first 1 and head 0.
    func extents(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: Extent]

    /// The entries after a number, oldest first.
    func page(of channel: ChannelName, after seq: Int, limit: PageLimit) async throws(TapeFault) -> TapePage

    /// The newest entry of each slot (see ``Event/slot``) of each channel, ascending by `seq`, with the extent from the
    /// same read. Entries removed by retention are not included.
    func latest(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: TapePage]

    /// Channels after a name whose names begin with a prefix, ascending by name (bytewise).
    func channels(withPrefix prefix: String, after name: String?, limit: Int) async throws(TapeFault)
        -> [ChannelListing]

    /// Removes events of one type accepted before a time, oldest first, at most `limit` of them, with their numbers and
    /// deduplication keys. Heads do not change. On each channel the newest entry of each slot is kept: it is the
    /// current state.
    /// - Returns: The number of removed events; `limit` means there may be more.
    func prune(type: String, acceptedBefore time: Timestamp, limit: Int) async throws(TapeFault) -> Int

    /// The current state described by the events; nil if this tape stores only the log.
    var projections: (any Projections)? { get }

    /// Closes the tape after the calls in progress; no method may be called afterwards.
    func close() async
}

extension Tape {
    package var projections: (any Projections)? { nil }

    package func probe() async throws(TapeFault) {
        _ = try await self.extents(of: [ChannelName(type: "probe", key: "probe")])
    }
}

/// The result of one append request.
package enum AppendOutcome: Sendable, Equatable {
    /// All its events are stored on the tape; one receipt per event, in order.
    case committed([Receipt])
    /// Nothing was appended: the ids of these items are used by events with different content. Ascending.
    case conflict(items: [Int])
    /// Nothing was appended: the tape rejects its content. Returned by the ``TapeWriter``, which finds the request at
    /// fault; a tape throws ``TapeFault/refused(_:)`` for the whole call.
    case refused(ContentRefusal)

    /// Whether something was appended.
    package var hasNews: Bool {
        if case .committed(let receipts) = self { receipts.contains { $0.status == .accepted } } else { false }
    }
}

/// Where an event is stored, and whether it was stored before.
package struct Receipt: Sendable, Equatable {
    package enum Status: String, Sendable {
        case accepted
        case duplicate
    }

    package var status: Status
    /// One per key, in the event's order of keys.
    package var positions: [Position]

    package init(status: Status, positions: [Position]) {
        self.status = status
        self.positions = positions
    }
}

/// A channel's name and extent, for listings.
package struct ChannelListing: Sendable, Equatable {
    package var name: ChannelName
    package var extent: Extent

    package init(name: ChannelName, extent: Extent) {
        self.name = name
        self.extent = extent
    }
}

/// Why a tape operation failed. The text is for operators, never for clients.
package enum TapeFault: Error, Sendable, Equatable {
    /// The tape cannot be reached or written at the moment (locked, disk full, connection lost); nothing was changed.
    case unavailable(String)
    /// The connection broke during the commit: the events may or may not be stored. Appending them again under the same
    /// ids resolves it.
    case outcomeUnknown(String)
    /// The stored data is inconsistent, or does not match this program's schema; retrying does not help.
    case damaged(String)
    /// The tape rejects some of the content; nothing was changed. The tape itself is healthy: the same call without the
    /// rejected content succeeds.
    case refused(ContentRefusal)

    /// The description for operators.
    package var explanation: String {
        switch self {
        case .unavailable(let why), .outcomeUnknown(let why), .damaged(let why): why
        case .refused(let refusal): refusal.detail
        }
    }

    package var isDamage: Bool {
        if case .damaged = self { true } else { false }
    }
}
