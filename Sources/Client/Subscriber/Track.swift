// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// A subscriber's place in one channel, over all its connections.
struct Track: Sendable, Equatable {
    enum Phase: Sendable, Equatable {
        /// There is no session. → `requested`
        case idle
        /// Asked for; not answered. → `active`, `idle`, `postponed`, `refused`
        case requested
        /// Events come. → `idle`, `requested` (the hub ended it), `postponed`
        case active
        /// The hub could not do it just now. → `requested`, `idle`
        case postponed(until: NIODeadline)
        /// The hub will not do it. Final.
        case refused
    }

    let wanted: Subscription
    var phase = Phase.idle
    /// The channel's full name, once the hub has told it.
    private(set) var channel: String
    private(set) var epoch: String?
    /// Everything up to here was delivered, or is known to be gone.
    private(set) var seq = 0
    /// Whether `seq` is a place to resume from; not so before the state at the beginning has arrived.
    private(set) var isResumable = false
    /// The head that the snapshots under way lead up to.
    private var snapshotHead: Int?
    private var needsSnapshot = false
    private var postponements = 0

    /// The newest head the hub told of.
    private var toldHead = 0
    /// Since when it has been behind without getting on.
    private var behindSince: NIODeadline?
    private var seqWhenBehind = 0

    init(_ wanted: Subscription) {
        self.wanted = wanted
        self.channel = wanted.channel
        if case .after(let seq, let epoch) = wanted.start {
            self.seq = max(0, seq)
            self.epoch = epoch
            self.isResumable = true
        }
    }

    /// What to ask the hub for.
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

    /// The session has ended.
    mutating func sessionEnded() {
        switch self.phase {
        case .idle, .requested, .active, .postponed: self.phase = .idle
        case .refused: break
        }
        self.behindSince = nil
        self.toldHead = 0
    }

    /// The hub began the subscription.
    ///
    /// Returns the gap, if it began later than asked for.
    mutating func subscribed(_ answer: Message.Subscribed) -> Gap? {
        self.phase = .active
        self.channel = answer.channel
        self.postponements = 0
        let known = self.isResumable ? self.seq : nil
        self.epoch = answer.epoch
        switch answer.mode {
        case .resumed:
            self.isResumable = true
            return nil
        case .live, .snapshot:
            self.needsSnapshot = false
            self.seq = answer.head
            self.isResumable = answer.mode == .live
            self.snapshotHead = answer.mode == .live ? nil : answer.head
            guard let known, known < answer.head else { return nil }
            return Gap(channel: self.channel, after: known, before: answer.head + 1, reason: .missing)
        }
    }

    /// A part of the state at the beginning arrived.
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
    mutating func received(seq: Int, skipped: Int) -> OnEvent {
        guard seq > self.seq else { return .drop }
        let last = self.seq
        self.seq = seq
        self.snapshotHead = nil
        self.isResumable = true
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
    mutating func postponed(backoff: Backoff, now: NIODeadline, random: Double) {
        self.postponements += 1
        self.phase = .postponed(until: now + backoff.delay(failures: self.postponements + 1, random: random))
    }

    /// The hub told the head.
    mutating func told(head: Int, now: NIODeadline) {
        self.toldHead = max(self.toldHead, head)
        guard case .active = self.phase, self.seq < self.toldHead, self.behindSince == nil else { return }
        self.listen(now: now)
    }

    /// Counts from now on again how long it has been behind; reading was paused until now.
    mutating func listen(now: NIODeadline) {
        self.behindSince = now
        self.seqWhenBehind = self.seq
    }

    /// For how long it has been behind without getting on; nil when it is not behind.
    mutating func stuck(now: NIODeadline) -> TimeAmount? {
        guard let since = self.behindSince, case .active = self.phase, self.seq < self.toldHead else {
            self.behindSince = nil
            return nil
        }
        guard self.seq == self.seqWhenBehind else {
            self.listen(now: now)
            return .zero
        }
        return now - since
    }
}
