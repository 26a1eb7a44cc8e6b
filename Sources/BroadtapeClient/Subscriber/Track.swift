// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// A subscriber's position in one channel, across all its connections.
struct Track: Sendable, Equatable {
    enum Phase: Sendable, Equatable {
        /// There is no session. → `requested`
        case idle
        /// Requested with this id; not answered. → `active`, `idle`, `postponed`, `refused`
        case requested(id: Int)
        /// Events arrive. → `idle`, `requested` (the hub ended it), `postponed`, `refused`
        case active
        /// The hub could not do it at the moment. → `requested`, `idle`
        case postponed(until: NIODeadline)
        /// The hub will not do it. Final.
        case refused
    }

    /// How many heartbeats a channel may be stuck behind its head while others progress.
    private static let patience: Int64 = 3

    let wanted: Subscription
    var phase = Phase.idle
    /// The channel's full name, once the hub has sent it.
    private(set) var channel: String
    private(set) var epoch: String?
    /// Everything up to here was delivered, or is known to be lost.
    private(set) var seq = 0
    /// Whether `seq` is a position to resume from; false before the initial state has arrived.
    private(set) var isResumable = false
    /// The head that the snapshots in progress lead up to.
    private var snapshotHead: Int?
    private var needsSnapshot = false
    private var postponements = 0

    /// The least number that may be saved: below it the initial state is not complete.
    private var savableFrom = 0
    private var saved: Position?
    private var isFrozen = false

    /// The newest head that the hub sent.
    private var sentHead = 0
    /// Since when it has been behind without progress.
    private var behindSince: NIODeadline?

    init(_ wanted: Subscription) {
        self.wanted = wanted
        self.channel = wanted.channel
        if case .after(let seq, let epoch) = wanted.start {
            self.seq = max(0, seq)
            self.epoch = epoch
            self.isResumable = true
        }
    }

    /// What to request from the hub.
    var request: Request.Subscribe {
        var request = Request.Subscribe(channel: self.channel, interval: self.wanted.interval)
        if self.isResumable {
            request.since = self.seq
            request.epoch = self.epoch
        } else if self.needsSnapshot {
            request.snapshot = true
        } else {
            switch self.wanted.start {
            case .typeDefault, .after: break
            case .live: request.snapshot = false
            case .snapshot: request.snapshot = true
            }
        }
        return request
    }

    /// The position to resume from, if there is one.
    var position: Position? {
        guard self.isResumable, let epoch = self.epoch else { return nil }
        return Position(channel: self.channel, epoch: epoch, seq: self.seq)
    }

    var isBehind: Bool { self.behindSince != nil }

    /// The session has ended.
    mutating func sessionEnded() {
        switch self.phase {
        case .idle, .requested, .active, .postponed: self.phase = .idle
        case .refused: break
        }
        self.behindSince = nil
        self.sentHead = 0
    }

    /// The hub began the subscription.
    ///
    /// Returns the gap, if it began later than requested.
    mutating func subscribed(_ answer: Message.Subscribed) -> Gap? {
        self.phase = .active
        self.channel = answer.channel
        self.postponements = 0
        self.needsSnapshot = false
        let known = self.isResumable ? self.seq : nil
        self.epoch = answer.epoch
        switch answer.mode {
        case .resumed:
            self.isResumable = true
            return nil
        case .live, .snapshot:
            self.seq = answer.head
            self.isResumable = answer.mode == .live
            self.snapshotHead = answer.mode == .live ? nil : answer.head
            self.savableFrom = answer.mode == .live ? 0 : answer.head
            guard let known, known < answer.head else { return nil }
            return Gap(channel: self.channel, after: known, before: answer.head + 1, reason: .missing)
        }
    }

    /// A part of the initial state arrived.
    mutating func receivedSnapshot(seq: Int) {
        // Ascending, so the one that is the head is the last.
        if let head = self.snapshotHead, seq >= head {
            self.snapshotHead = nil
            self.isResumable = true
        }
    }

    enum OnEvent: Sendable, Equatable {
        /// The next one.
        case deliver
        /// It was delivered before.
        case drop
        /// A later one than expected.
        case deliverAfter(Gap)
    }

    /// An event arrived.
    mutating func received(seq: Int, skipped: Int, now: NIODeadline) -> OnEvent {
        guard seq > self.seq else { return .drop }
        let last = self.seq
        self.seq = seq
        self.snapshotHead = nil
        self.isResumable = true
        if self.behindSince != nil { self.behindSince = seq < self.sentHead ? now : nil }
        guard seq - last - 1 > skipped else { return .deliver }
        return .deliverAfter(Gap(channel: self.channel, after: last, before: seq - skipped, reason: .missing))
    }

    /// The hub cannot resume; the next request asks for the current state.
    ///
    /// Returns what is lost.
    mutating func positionLost(_ reason: Gap.Reason) -> Gap {
        let gap = Gap(channel: self.channel, after: self.seq, reason: reason)
        self.isResumable = false
        self.snapshotHead = nil
        self.needsSnapshot = true
        self.behindSince = nil
        return gap
    }

    /// The hub asked to try again later.
    /// - Parameter least: The wait it asked for.
    mutating func postponed(backoff: Backoff, least: TimeAmount, now: NIODeadline, random: Double) {
        self.postponements += 1
        self.behindSince = nil
        let delay = backoff.delay(failures: self.postponements + 1, random: random)
        self.phase = .postponed(until: now + max(delay, min(least, ReconnectState.longestWait)))
    }

    // MARK: - The head

    /// The hub sent the head.
    ///
    /// Returns the newest head, if events are missing.
    mutating func learned(head: Int, now: NIODeadline) -> Int? {
        guard case .active = self.phase else { return nil }
        self.sentHead = max(self.sentHead, head)
        guard self.seq < self.sentHead else { return nil }
        if self.behindSince == nil { self.behindSince = now }
        return self.sentHead
    }

    /// Restarts the time that it has been behind; nothing could be received until now.
    mutating func listen(now: NIODeadline) {
        if self.behindSince != nil { self.behindSince = now }
    }

    /// The last time at which being stuck behind the head is not a fault yet; nil when it is not behind.
    func patience(heartbeat: TimeAmount, lastEvent: NIODeadline) -> NIODeadline? {
        guard let since = self.behindSince else { return nil }
        let own = TimeAmount.milliseconds(Int64(clamping: self.wanted.interval ?? 0))
        let quiet = max(since + heartbeat + own, lastEvent + heartbeat)
        return min(quiet, since + Self.patience * heartbeat + own)
    }

    // MARK: - Cursors

    /// The application has handled an event.
    ///
    /// Returns the cursor, if it is new.
    mutating func handled(_ position: Position) -> Position? {
        guard !self.isFrozen, position.epoch == self.epoch, position.seq >= self.savableFrom else { return nil }
        if let saved = self.saved, saved.epoch == position.epoch, saved.seq >= position.seq { return nil }
        self.saved = position
        return position
    }

    /// The application could not handle an event: no later one is a cursor, so that it is delivered again after a restart.
    mutating func failed() {
        self.isFrozen = true
    }
}
