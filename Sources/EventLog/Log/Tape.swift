// SPDX-License-Identifier: Apache-2.0

/// The durable log of all channels: the seam between the hub and where events are kept.
///
/// For implementers:
/// - ``append(_:)`` is called by the ``TapeWriter`` only, one call at a time; all other methods by any number of callers
///   at once, also during an append.
/// - What a method returns or throws is final: nothing is reported as committed that a crash could take back, and
///   nothing that failed may appear later, except where ``TapeFault/outcomeUnknown(_:)`` says so.
/// - No method may block the calling thread on I/O.
package protocol Tape: Sendable {
    /// Names the life of its numbering; other tapes have others.
    var epoch: String { get }

    /// Whether other processes may append to it as well: then the hub looks for what they have committed. There is no
    /// default, as a tape that does not say so is not looked at.
    var isShared: Bool { get }

    /// A read as cheap as can be that goes all the way to where the events are.
    func probe() async throws(TapeFault)

    /// Appends requests in order, in one transaction that is durable when this returns.
    ///
    /// Each request is all or nothing: its events each get the next number of each of their channels, or, when their
    /// `(source, id)` is retained already with the same fingerprint, their first positions again. One event whose id is
    /// taken by other content makes its request a ``AppendOutcome/conflict(items:)`` and leaves the other requests alone.
    /// Dedupe sees the earlier events of the same call and of the same request. What accepted events project
    /// (``Event/projection``) is written in the same transaction, see ``ProjectionBatch``.
    /// - Returns: One outcome per request, in the same order.
    func append(_ requests: [[Event]]) async throws(TapeFault) -> [AppendOutcome]

    /// The extents of channels; a channel that never had an event has first 1 and head 0.
    func extents(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: Extent]

    /// The entries after a number, oldest first.
    func page(of channel: ChannelName, after seq: Int, limit: PageLimit) async throws(TapeFault) -> TapePage

    /// The newest entry of each slot (see ``Event/slot``) of each channel, ascending by `seq`; together with the
    /// extent in the same read. Entries that retention removed do not appear.
    func latest(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: TapePage]

    /// Channels whose names begin with a prefix, ascending by name (bytewise), after a name.
    func channels(withPrefix prefix: String, after name: String?, limit: Int) async throws(TapeFault)
        -> [ChannelListing]

    /// Forgets events of one type accepted before a time, oldest first, at most `limit` of them, with the numbers they
    /// held and their dedupe keys. Heads stay. Of each channel the newest entry of each slot is kept: it is the state.
    /// - Returns: How many events were removed; `limit` means there may be more.
    func prune(type: String, acceptedBefore time: Timestamp, limit: Int) async throws(TapeFault) -> Int

    /// What the events say about the present; nil when this tape keeps the log only.
    var projections: (any Projections)? { get }

    /// Ends the use of the tape after the calls under way; nothing may be called afterwards.
    func close() async
}

extension Tape {
    package var projections: (any Projections)? { nil }

    package func probe() async throws(TapeFault) {
        _ = try await self.extents(of: [ChannelName(type: "probe", key: "probe")])
    }
}

/// What became of one append request.
package enum AppendOutcome: Sendable, Equatable {
    /// All its events stand on the tape; one receipt per event, in order.
    case committed([Receipt])
    /// Nothing of it was appended: these items' ids are taken by events with other content. Ascending.
    case conflict(items: [Int])
    /// Nothing of it was appended: the tape cannot hold what is in it. Said by the ``TapeWriter``, which finds the request
    /// at fault; a tape throws ``TapeFault/refused(_:)`` for all of them.
    case refused(ContentRefusal)

    /// Whether something was appended.
    package var hasNews: Bool {
        if case .committed(let receipts) = self { receipts.contains { $0.status == .accepted } } else { false }
    }
}

/// Where an event stands, and whether it stood there before.
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

/// Why the tape could not do what it was asked. The text is for operators, never for clients.
package enum TapeFault: Error, Sendable, Equatable {
    /// It cannot be reached or written just now (locked, disk full, connection lost); nothing was changed.
    case unavailable(String)
    /// The connection broke during commit: the events may or may not stand. Appending them again under the same ids
    /// settles it.
    case outcomeUnknown(String)
    /// What is stored contradicts itself or this program's schema; trying again will not help.
    case damaged(String)
    /// It does not take something of what it was given because of what is in it; nothing was changed. Nothing is wrong
    /// with the tape: the same without the culprit is taken.
    case refused(ContentRefusal)

    /// The sentence for the operator.
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
