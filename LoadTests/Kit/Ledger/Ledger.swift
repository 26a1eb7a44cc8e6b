// SPDX-License-Identifier: Apache-2.0

/// What was acknowledged, compared with what every subscriber received: the verification of a run.
///
/// A value without I/O and clock. Every accepted event has a number in each of its channels; a subscriber must get
/// every number after its start exactly once, ascending, up to the last one acknowledged, and the event at a number
/// must be the one that was acknowledged for it. Numbers that a conflated event says it replaces are not lost.
package struct Ledger: Sendable {
    /// Which event a delivery or an acknowledgement speaks of.
    package enum Claim: Sendable, Equatable {
        /// One of this run's events, by its place in the trace.
        case ours(Int)
        /// An event that somebody else published.
        case foreign
    }

    /// A subscriber's place in the ledger.
    package struct Subscriber: Sendable, Equatable {
        fileprivate let first: Int
        fileprivate let ownChannels: [Int]
    }

    /// No run reaches this number. What a hub reports of later ones is wrong and is not counted, so that no sum of
    /// its numbers leaves 64 bits.
    private static let greatest = 1 << 40

    private var channels: [ChannelRecord]
    private var tracks: [SubscriberTrack] = []
    private let publicChannels: Int
    /// What was counted so far.
    package private(set) var counts = Counts()

    /// Creates a ledger for the channels of a trace, of which the public ones come first.
    package init(_ channels: [Trace.Channel]) {
        self.channels = channels.map { ChannelRecord(mayConflate: $0.mayConflate, slots: $0.slots) }
        self.publicChannels = channels.prefix { !$0.isPrivate }.count
    }

    /// Adds a subscriber of all public channels and some others.
    package mutating func addSubscriber(ownChannels: [Int]) -> Subscriber {
        let subscriber = Subscriber(first: self.tracks.count, ownChannels: ownChannels)
        for channel in self.channelsOf(subscriber) {
            self.tracks.append(SubscriberTrack(channel: channel, slots: self.channels[channel].slots))
        }
        return subscriber
    }

    /// The channels that a subscriber follows.
    package func channelsOf(_ subscriber: Subscriber) -> [Int] {
        Array(0..<self.publicChannels) + subscriber.ownChannels
    }

    private func track(of subscriber: Subscriber, _ channel: Int) -> Int? {
        if channel < self.publicChannels { return subscriber.first + channel }
        return subscriber.ownChannels.firstIndex(of: channel).map { subscriber.first + self.publicChannels + $0 }
    }

    // MARK: - From subscribers

    /// What came of a subscription.
    package enum OnSubscribed: Sendable, Equatable {
        /// It began, or continues.
        case accepted
        /// The channel's numbering is another one than before: what was received says nothing any more.
        case epochChanged(from: String)
    }

    /// A subscription began for the first time: everything after the head must arrive.
    package mutating func subscribed(
        _ subscriber: Subscriber,
        _ channel: Int,
        epoch: String,
        head: Int
    ) -> OnSubscribed {
        if let known = self.channels[channel].epoch, known != epoch { return .epochChanged(from: known) }
        let head = min(head, Self.greatest)
        self.channels[channel].begins(epoch: epoch, after: head)
        if let track = self.track(of: subscriber, channel), !self.tracks[track].hasBegun {
            self.tracks[track].begins(after: head)
        }
        return .accepted
    }

    /// Where a subscriber continues after its connection was lost; nil before it has begun.
    package func position(of subscriber: Subscriber, _ channel: Int) -> (epoch: String, seq: Int)? {
        guard let track = self.track(of: subscriber, channel), self.tracks[track].hasBegun,
            let epoch = self.channels[channel].epoch
        else { return nil }
        return (epoch, self.tracks[track].last)
    }

    /// The number that a subscriber had of a channel before its last delivery.
    func previous(of subscriber: Subscriber, _ channel: Int) -> Int {
        self.track(of: subscriber, channel).map { self.tracks[$0].previous } ?? 0
    }

    /// The highest number acknowledged in a channel, 0 while there is none.
    func lastAcknowledged(of channel: Int) -> Int { self.channels[channel].lastAcknowledged }

    /// What a delivery was.
    package enum OnReceived: Sendable, Equatable {
        /// The next one, or one that replaces those before it.
        case inOrder
        /// Later than the next one; those between are missing so far.
        case ahead(missing: Int)
        /// One that was missing, after later ones.
        case late
        /// One that had come before, or was said to be conflated.
        case again
        /// Of a channel that the subscriber does not follow, or has not been asked to follow.
        case uncalled
    }

    /// An event was delivered.
    package mutating func received(
        _ subscriber: Subscriber,
        _ channel: Int,
        seq: Int,
        skipped: Int,
        _ claim: Claim,
        slot: Int
    ) -> OnReceived {
        self.counts.deliveries += 1
        guard seq <= Self.greatest else {
            self.counts.wrong += 1
            return .uncalled
        }
        guard let place = self.track(of: subscriber, channel), self.tracks[place].hasBegun else {
            self.counts.uncalled += 1
            return .uncalled
        }
        if !self.channels[channel].receive(seq: seq, claim) { self.counts.wrong += 1 }
        let allowed = self.channels[channel].mayConflate ? max(0, skipped) : 0
        let outcome = self.tracks[place].receive(seq: seq, skipped: allowed, slot: slot)
        switch outcome {
        case .inOrder: self.counts.conflated += self.tracks[place].lastSkipped
        case .ahead: self.counts.conflated += self.tracks[place].lastSkipped
        case .late: self.counts.reordered += 1
        case .again: self.counts.duplicated += 1
        case .uncalled: break
        }
        return outcome
    }

    /// A delivery was of a channel that is not of the run.
    mutating func notedUncalled() {
        self.counts.deliveries += 1
        self.counts.uncalled += 1
    }

    /// A delivery's content was not what was published under its id.
    mutating func notedWrongContent() {
        self.counts.wrong += 1
    }

    // MARK: - From publishing

    /// The hub acknowledged an event with a position in a channel.
    package mutating func acknowledged(_ event: Int, _ channel: Int, epoch: String, seq: Int, slot: Int) {
        switch self.channels[channel].acknowledge(event, epoch: epoch, seq: seq, slot: slot) {
        case .noted: self.counts.acknowledged += 1
        case .known: break
        case .contradicted: self.counts.contradicted += 1
        }
    }

    // MARK: - The end

    /// Whether every subscriber has got everything that was acknowledged, or something after it.
    package var isComplete: Bool {
        self.tracks.allSatisfy { $0.hasBegun && $0.last >= self.channels[$0.channel].lastAcknowledged }
    }

    /// How many of the subscribers' channels have not got to the last acknowledged position.
    package var incompleteTracks: Int {
        self.tracks.count { !$0.hasBegun || $0.last < self.channels[$0.channel].lastAcknowledged }
    }

    /// Numbers that were passed over so far, whether anybody acknowledged them or not.
    package var holes: Int { self.tracks.reduce(0) { $0 + $1.holes } }

    /// The verdict on what has happened so far.
    package func verdict() -> Verdict {
        var verdict = Verdict(counts: self.counts)
        for track in self.tracks {
            let channel = self.channels[track.channel]
            verdict.expected += track.expected(upTo: channel.lastAcknowledged)
            verdict.lost += track.lost(upTo: channel.lastAcknowledged)
            verdict.stale += track.staleSlots(newest: channel.newestOfSlots)
        }
        for channel in self.channels {
            verdict.unacknowledged += channel.unacknowledged
            verdict.foreign += channel.foreign
        }
        return verdict
    }

    /// What is counted as it happens.
    package struct Counts: Sendable, Equatable {
        /// Events delivered to subscribers.
        package var deliveries = 0
        /// Numbers that conflated events replaced.
        package var conflated = 0
        /// Deliveries of a number that the subscriber had.
        package var duplicated = 0
        /// Deliveries of a number after a later one.
        package var reordered = 0
        /// Deliveries or acknowledgements of another event than known for a number.
        package var wrong = 0
        /// Deliveries on channels not followed.
        package var uncalled = 0
        /// Positions acknowledged to the publisher.
        package var acknowledged = 0
        /// Acknowledgements that contradict an earlier one, or name another epoch.
        package var contradicted = 0
    }

    /// What is to be said of a run.
    package struct Verdict: Sendable, Equatable {
        /// What was counted as it happened.
        package var counts: Counts
        /// Numbers that the subscribers together had to get.
        package var expected = 0
        /// Numbers that never arrived and that no event replaced.
        package var lost = 0
        /// Conflated values whose newest never came.
        package var stale = 0
        /// Events of this run that were delivered at a number that was never acknowledged.
        package var unacknowledged = 0
        /// Numbers that somebody else's events took.
        package var foreign = 0

        /// Creates a verdict from what was counted.
        package init(counts: Counts = Counts()) {
            self.counts = counts
        }

        /// Whether all is as promised.
        package var isClean: Bool {
            self.lost == 0 && self.stale == 0 && self.unacknowledged == 0 && self.counts.duplicated == 0
                && self.counts.reordered == 0 && self.counts.wrong == 0 && self.counts.uncalled == 0
                && self.counts.contradicted == 0
        }

        /// Adds the verdict on other subscribers of the same channels, with the same acknowledgements.
        package mutating func add(_ other: Verdict) {
            self.expected += other.expected
            self.lost += other.lost
            self.stale += other.stale
            self.unacknowledged = max(self.unacknowledged, other.unacknowledged)
            self.foreign = max(self.foreign, other.foreign)
            self.counts.deliveries += other.counts.deliveries
            self.counts.conflated += other.counts.conflated
            self.counts.duplicated += other.counts.duplicated
            self.counts.reordered += other.counts.reordered
            self.counts.wrong += other.counts.wrong
            self.counts.uncalled += other.counts.uncalled
            self.counts.acknowledged = max(self.counts.acknowledged, other.counts.acknowledged)
            self.counts.contradicted = max(self.counts.contradicted, other.counts.contradicted)
        }
    }
}
