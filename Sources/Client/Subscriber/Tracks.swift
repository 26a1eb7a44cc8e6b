// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// All channels of a subscriber: what to ask for, what to deliver, what is missing.
///
/// A value: time and randomness are arguments.
struct Tracks: Sendable {
    /// A request with the id that its answers carry.
    struct Outgoing: Sendable, Equatable {
        var id: Int
        var request: Request
    }

    private var tracks: [Track]
    /// By the name that was asked for, and by the full name once it is known.
    private var places: [String: Int] = [:]
    /// Requests that ask for one channel each, whose full name only the answer tells.
    private var pending: [Int: Int] = [:]
    /// Tracks that the last heartbeats told to be behind.
    private var behind: Set<Int> = []
    private var lastID = 0
    private var lastEvent = NIODeadline.distantPast
    private let backoff: Backoff

    /// How many heartbeats a channel may stand still while others get on.
    private static let patience = 3

    init(_ wanted: [Subscription], backoff: Backoff) {
        self.tracks = wanted.map { Track($0) }
        self.backoff = backoff
        for (place, subscription) in wanted.enumerated() where self.places[subscription.channel] == nil {
            self.places[subscription.channel] = place
        }
    }

    /// Whether there is nothing left to follow.
    var isExhausted: Bool { self.tracks.allSatisfy { $0.phase == .refused } }

    /// Where the channels have got to, as far as they can be resumed from there.
    var positions: [Position] {
        self.tracks.compactMap { track in
            guard track.isResumable, let epoch = track.epoch else { return nil }
            return Position(channel: track.channel, epoch: epoch, seq: track.seq)
        }
    }

    /// A session has begun: what to ask for.
    mutating func sessionStarted(now: NIODeadline) -> [Outgoing] {
        self.pending = [:]
        self.lastEvent = now
        return self.request(self.tracks.indices.filter { self.tracks[$0].phase == .idle })
    }

    /// The session has ended.
    mutating func sessionEnded() {
        self.behind = []
        for place in self.tracks.indices { self.tracks[place].sessionEnded() }
    }

    private mutating func request(_ places: [Int]) -> [Outgoing] {
        var named: [Request.Subscribe] = []
        var outgoing: [Outgoing] = []
        for place in places {
            self.tracks[place].phase = .requested
            let request = self.tracks[place].request
            if request.channel.contains(":") {
                named.append(request)
            } else {
                outgoing.append(Outgoing(id: self.nextID(), request: .subscribe([request])))
                self.pending[self.lastID] = place
            }
        }
        for request in Request.subscribes(named) {
            outgoing.append(Outgoing(id: self.nextID(), request: request))
        }
        return outgoing
    }

    private mutating func nextID() -> Int {
        self.lastID += 1
        return self.lastID
    }

    private func place(of channel: String?, id: Int?) -> Int? {
        if let channel, let place = self.places[channel] { return place }
        return id.flatMap { self.pending[$0] }
    }

    // MARK: - From the hub

    /// A subscription began.
    mutating func subscribed(_ answer: Message.Subscribed) -> [Update] {
        guard let place = self.place(of: answer.channel, id: answer.id) else { return [] }
        if let id = answer.id { self.pending[id] = nil }
        self.places[answer.channel] = place
        let gap = self.tracks[place].subscribed(answer)
        let track = self.tracks[place]
        let position = Position(channel: answer.channel, epoch: answer.epoch, seq: track.seq)
        let mode: Update.Mode =
            switch answer.mode {
            case .live: .live
            case .snapshot: .snapshot
            case .resumed: .resumed
            }
        return (gap.map { [.gap($0)] } ?? []) + [.subscribed(position, mode: mode)]
    }

    /// A part of the state at the beginning arrived.
    ///
    /// Returns it with its epoch; nil if nobody asked for it.
    mutating func snapshot(_ event: Event, now: NIODeadline) -> Event? {
        guard let place = self.places[event.channel] else { return nil }
        self.lastEvent = now
        self.tracks[place].receivedSnapshot(seq: event.seq)
        var event = event
        event.epoch = self.tracks[place].epoch ?? ""
        return event
    }

    enum OnEvent: Sendable, Equatable {
        /// Deliver it.
        case deliver(Event)
        /// It was delivered before, or nobody asked for it.
        case drop
        /// Tell of the gap, then deliver it.
        case deliverAfter(Gap, Event)
    }

    /// An event arrived.
    mutating func event(_ event: Event, now: NIODeadline) -> OnEvent {
        guard let place = self.places[event.channel], self.tracks[place].phase == .active else { return .drop }
        self.lastEvent = now
        var event = event
        event.epoch = self.tracks[place].epoch ?? ""
        return switch self.tracks[place].received(seq: event.seq, skipped: event.skipped) {
        case .deliver: .deliver(event)
        case .drop: .drop
        case .deliverAfter(let gap): .deliverAfter(gap, event)
        }
    }

    enum OnFault: Sendable, Equatable {
        /// The channel is lost to this client.
        case refused(channel: String)
        /// Tell of the gap, then ask again.
        case restart(Gap, [Outgoing])
        /// It is asked for again later; nothing to tell.
        case postponed
        /// Not about a channel of this client.
        case notice
    }

    /// The hub refused a request or ended a subscription.
    mutating func fault(_ fault: Message.Fault, now: NIODeadline, random: Double) -> OnFault {
        guard let place = self.place(of: fault.channel, id: fault.id), self.tracks[place].phase != .refused else {
            return .notice
        }
        switch fault.code {
        case "cursor_expired":
            return .restart(self.tracks[place].positionLost(.cursorExpired), self.request([place]))
        case "epoch_changed":
            return .restart(self.tracks[place].positionLost(.epochChanged), self.request([place]))
        case "unavailable", "overloaded":
            self.tracks[place].postponed(backoff: self.backoff, now: now, random: random)
            return .postponed
        case "already_subscribed" where self.tracks[place].phase == .active:
            return .notice
        default:
            self.tracks[place].phase = .refused
            return .refused(channel: self.tracks[place].wanted.channel)
        }
    }

    /// The hub told heads.
    mutating func heartbeat(_ heads: [String: Int], now: NIODeadline) {
        for (channel, head) in heads {
            guard let place = self.places[channel] else { continue }
            self.tracks[place].told(head: head, now: now)
            self.behind.insert(place)
        }
    }

    // MARK: - By the clock

    /// Reading goes on after a pause; what was missed meanwhile counts from now on.
    mutating func listen(now: NIODeadline) {
        self.lastEvent = now
        for place in self.behind { self.tracks[place].listen(now: now) }
    }

    /// What is to be asked for again by now.
    mutating func overdue(now: NIODeadline) -> [Outgoing] {
        let places = self.tracks.indices.filter { place in
            if case .postponed(let until) = self.tracks[place].phase { until <= now } else { false }
        }
        return places.isEmpty ? [] : self.request(places)
    }

    /// A channel that has been behind for longer than a heartbeat while nothing came, if there is one.
    mutating func stuck(now: NIODeadline, heartbeat: TimeAmount) -> String? {
        for place in self.behind {
            guard let time = self.tracks[place].stuck(now: now) else {
                self.behind.remove(place)
                continue
            }
            let isQuiet = now - self.lastEvent > heartbeat
            if isQuiet && time > heartbeat || time > Self.patience * heartbeat { return self.tracks[place].channel }
        }
        return nil
    }
}
