// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore

/// All channels of a subscriber: what to request, what to deliver, what is missing.
///
/// A value: time and randomness are arguments.
struct Tracks: Sendable {
    typealias Output = Machine.Output
    typealias Moment = Machine.Moment

    /// A request whose channel was dropped before the answer; no name for the user's own channel, which only the answer has.
    private struct Cancelled: Sendable, Hashable {
        var id: Int
        var channel: ExactText?
    }

    /// In the order of the requests.
    private var tracks: [Int: Track] = [:]
    private var nextPlace = 0
    /// By the requested name, and by the full name once it is known.
    private var places: [ExactText: Int] = [:]
    /// Requests for one channel each, whose full name only the answer has.
    private var pending: [Int: Int] = [:]
    private var cancelled: Set<Cancelled> = []
    private var behind: Set<Int> = []
    private var postponed: Set<Int> = []
    private var lastID = 0
    private var lastEvent = NIODeadline.distantPast
    private let backoff: Backoff

    init(_ wanted: [Subscription], backoff: Backoff) {
        self.backoff = backoff
        for subscription in wanted { _ = self.add(subscription) }
    }

    /// Whether there is nothing left to follow, though there was.
    var isExhausted: Bool { !self.tracks.isEmpty && self.tracks.values.allSatisfy { $0.phase == .refused } }

    /// The positions of the channels, as far as they can be resumed from there.
    var positions: [Position] { self.ordered.compactMap { self.tracks[$0]?.position } }

    private var ordered: [Int] { self.tracks.keys.sorted() }

    /// The number of a request that is not about channels.
    mutating func nextID() -> Int {
        self.lastID += 1
        return self.lastID
    }

    private func place(of channel: String?, id: Int?) -> Int? {
        if let channel, let place = self.places[ExactText(channel)] { return place }
        return id.flatMap { self.pending[$0] }
    }

    /// Whether something answers a request whose channel was dropped meanwhile.
    private mutating func isCancelled(_ channel: String?, id: Int?) -> Bool {
        guard let id, !self.cancelled.isEmpty else { return false }
        return self.cancelled.remove(Cancelled(id: id, channel: channel.map { ExactText($0) })) != nil
            || self.cancelled.remove(Cancelled(id: id)) != nil
    }

    // MARK: - From the application

    /// Adds a channel; nil when it is followed already.
    private mutating func add(_ subscription: Subscription) -> Int? {
        guard self.places[ExactText(subscription.channel)] == nil else { return nil }
        let place = self.nextPlace
        self.nextPlace += 1
        self.tracks[place] = Track(subscription)
        self.places[ExactText(subscription.channel)] = place
        return place
    }

    /// Follows a channel, unless it is followed already.
    mutating func subscribe(_ subscription: Subscription, isOpen: Bool, into outputs: inout [Output]) {
        guard let place = self.add(subscription), isOpen else { return }
        self.request([place], into: &outputs)
    }

    /// Stops following a channel.
    mutating func unsubscribe(_ channel: String, isOpen: Bool, into outputs: inout [Output]) {
        guard let place = self.places[ExactText(channel)], let track = self.tracks.removeValue(forKey: place) else {
            return
        }
        self.behind.remove(place)
        self.postponed.remove(place)
        for (name, other) in self.places where other == place { self.places[name] = nil }
        guard isOpen else { return }
        switch track.phase {
        case .requested(let id):
            self.pending[id] = nil
            let isNamed = track.channel.split(atFirst: ":") != nil
            self.cancelled.insert(Cancelled(id: id, channel: isNamed ? ExactText(track.channel) : nil))
            outputs.append(.send(.unsubscribe(channel: track.channel), id: self.nextID()))
        case .active:
            outputs.append(.send(.unsubscribe(channel: track.channel), id: self.nextID()))
        case .idle, .postponed, .refused:
            break
        }
    }

    /// The application has handled an event.
    mutating func handled(_ position: Position) -> Position? {
        self.places[ExactText(position.channel)].flatMap { self.tracks[$0]?.handled(position) }
    }

    /// The application could not handle an event of a channel.
    mutating func failed(_ channel: String) {
        if let place = self.places[ExactText(channel)] { self.tracks[place]?.failed() }
    }

    // MARK: - Sessions

    /// A session has begun.
    mutating func sessionStarted(now: NIODeadline, into outputs: inout [Output]) {
        self.lastEvent = now
        self.request(self.ordered.filter { self.tracks[$0]?.phase == .idle }, into: &outputs)
    }

    /// The session has ended.
    mutating func sessionEnded() {
        self.behind = []
        self.postponed = []
        self.pending = [:]
        self.cancelled = []
        for place in self.tracks.keys { self.tracks[place]?.sessionEnded() }
    }

    private mutating func request(_ places: [Int], into outputs: inout [Output]) {
        var named: [Request.Subscribe] = []
        var namedPlaces: [Int] = []
        for place in places {
            guard let request = self.tracks[place]?.request else { continue }
            if request.channel.split(atFirst: ":") != nil {
                named.append(request)
                namedPlaces.append(place)
            } else {
                let id = self.nextID()
                self.tracks[place]?.phase = .requested(id: id)
                self.pending[id] = place
                outputs.append(.send(.subscribe([request]), id: id))
            }
        }
        var rest = namedPlaces[...]
        for request in Request.subscribes(named) {
            let id = self.nextID()
            if case .subscribe(let list) = request {
                for place in rest.prefix(list.count) { self.tracks[place]?.phase = .requested(id: id) }
                rest = rest.dropFirst(list.count)
            }
            outputs.append(.send(request, id: id))
        }
    }

    // MARK: - From the hub

    /// A subscription began.
    mutating func subscribed(_ answer: Message.Subscribed, now: NIODeadline, into outputs: inout [Output]) {
        guard !self.isCancelled(answer.channel, id: answer.id),
            let place = self.place(of: answer.channel, id: answer.id),
            var track = self.tracks[place], track.phase != .refused
        else { return }
        if let id = answer.id { self.pending[id] = nil }
        self.places[ExactText(answer.channel)] = place
        if let gap = track.subscribed(answer) { outputs.append(.gap(gap)) }
        self.tracks[place] = track
        let position = Position(channel: answer.channel, epoch: answer.epoch, seq: track.seq)
        outputs.append(
            .subscribed(position, head: answer.head, mode: answer.mode, wanted: track.wanted.channel)
        )
        if track.seq < answer.head { self.learned(head: answer.head, of: place, now: now, into: &outputs) }
    }

    /// A part of the initial state arrived.
    mutating func snapshot(_ event: Event, now: NIODeadline, into outputs: inout [Output]) {
        guard let place = self.places[ExactText(event.channel)], self.tracks[place]?.phase == .active else { return }
        self.lastEvent = now
        self.tracks[place]?.receivedSnapshot(seq: event.seq)
        var event = event
        event.epoch = self.tracks[place]?.epoch ?? ""
        outputs.append(.snapshot(event))
    }

    /// An event arrived.
    mutating func event(_ event: Event, now: NIODeadline, into outputs: inout [Output]) {
        guard let place = self.places[ExactText(event.channel)], let wasBehind = self.tracks[place]?.isBehind,
            self.tracks[place]?.phase == .active
        else { return }
        self.lastEvent = now
        var event = event
        event.epoch = self.tracks[place]?.epoch ?? ""
        switch self.tracks[place]?.received(seq: event.seq, skipped: event.skipped, now: now) {
        case .deliver:
            break
        case .deliverAfter(let gap):
            outputs.append(.gap(gap))
        case .drop, nil:
            return
        }
        outputs.append(.event(event))
        guard wasBehind, self.tracks[place]?.isBehind == false else { return }
        self.behind.remove(place)
        outputs.append(.behind(channel: event.channel, isBehind: false, head: event.seq, seq: event.seq))
    }

    /// Everything that was missed has arrived.
    func caughtUp(_ channel: String, seq: Int, into outputs: inout [Output]) {
        guard let place = self.places[ExactText(channel)], self.tracks[place]?.phase == .active else { return }
        outputs.append(.caughtUp(channel: channel, seq: seq))
    }

    /// The hub sent heads.
    mutating func heartbeat(_ heads: [ExactText: Int], now: NIODeadline, into outputs: inout [Output]) {
        for (channel, head) in heads {
            guard let place = self.places[channel] else { continue }
            self.learned(head: head, of: place, now: now, into: &outputs)
        }
    }

    private mutating func learned(head: Int, of place: Int, now: NIODeadline, into outputs: inout [Output]) {
        guard let head = self.tracks[place]?.learned(head: head, now: now), let track = self.tracks[place] else {
            return
        }
        self.behind.insert(place)
        outputs.append(.behind(channel: track.channel, isBehind: true, head: head, seq: track.seq))
    }

    /// The hub refused a request or ended a subscription.
    mutating func fault(_ fault: Message.Fault, at moment: Moment, into outputs: inout [Output]) {
        guard !self.isCancelled(fault.channel, id: fault.id) else { return }
        let notice = Output.error(code: fault.code, message: fault.message, channel: fault.channel)
        guard let place = self.place(of: fault.channel, id: fault.id), var track = self.tracks[place],
            track.phase != .refused
        else { return outputs.append(notice) }
        let lost = Gap.Reason(code: fault.code)
        if let lost, track.isResumable {
            outputs.append(.gap(track.positionLost(lost)))
            self.tracks[place] = track
            self.behind.remove(place)
            return self.request([place], into: &outputs)
        }
        if lost != nil || fault.code == "unavailable" || fault.code == "overloaded" {
            let least = TimeAmount.milliseconds(Int64(clamping: min(max(fault.retryAfter ?? 0, 0), 3_600_000)))
            track.postponed(backoff: self.backoff, least: least, now: moment.now, random: moment.random)
            self.postponed.insert(place)
        } else if fault.code == "already_subscribed", track.phase == .active {
            return outputs.append(notice)
        } else {
            track.phase = .refused
            outputs.append(.refused(channel: track.wanted.channel, code: fault.code, message: fault.message))
        }
        self.tracks[place] = track
        self.behind.remove(place)
    }

    // MARK: - By the clock

    /// Nothing could be received for a while; the time behind counts from now on.
    mutating func listen(now: NIODeadline) {
        self.lastEvent = now
        for place in self.behind { self.tracks[place]?.listen(now: now) }
    }

    /// Repeats the requests that are due.
    mutating func tick(now: NIODeadline, into outputs: inout [Output]) {
        let overdue = self.postponed.filter { self.deadline(of: $0).map { $0 <= now } ?? true }
        guard !overdue.isEmpty else { return }
        self.postponed.subtract(overdue)
        self.request(overdue.sorted(), into: &outputs)
    }

    private func deadline(of place: Int) -> NIODeadline? {
        guard case .postponed(let until) = self.tracks[place]?.phase else { return nil }
        return until
    }

    /// When to call ``tick(now:into:)``.
    var due: NIODeadline? { self.postponed.compactMap { self.deadline(of: $0) }.min() }

    /// When a channel that is behind will have been stuck for too long.
    func stuckAt(heartbeat: TimeAmount) -> NIODeadline? {
        self.patience(heartbeat).map { $0.until + .milliseconds(1) }
    }

    /// A channel that has been stuck behind its head for too long.
    func stuck(now: NIODeadline, heartbeat: TimeAmount) -> String? {
        guard let (until, channel) = self.patience(heartbeat), now > until else { return nil }
        return channel
    }

    private func patience(_ heartbeat: TimeAmount) -> (until: NIODeadline, channel: String)? {
        var first: (until: NIODeadline, channel: String)?
        for place in self.behind {
            guard let track = self.tracks[place],
                let until = track.patience(heartbeat: heartbeat, lastEvent: self.lastEvent)
            else { continue }
            if first.map({ until < $0.until }) ?? true { first = (until, track.channel) }
        }
        return first
    }
}

extension Gap.Reason {
    /// The meaning of a hub's error for a position.
    fileprivate init?(code: String) {
        switch code {
        case "cursor_expired": self = .cursorExpired
        case "epoch_changed": self = .epochChanged
        default: return nil
        }
    }
}
