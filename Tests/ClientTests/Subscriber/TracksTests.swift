// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import Client

struct TracksTests {
    private static func at(_ milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(0) + .seconds(1000) + .milliseconds(milliseconds)
    }

    private static func event(_ seq: Int, skipped: Int = 0, channel: String = "a:b") -> Event {
        Event(channel: channel, seq: seq, skipped: skipped, id: "e\(seq)", time: "", data: [])
    }

    private static func answer(
        _ mode: Message.Mode,
        head: Int,
        epoch: String = "k",
        channel: String = "a:b",
        id: Int? = nil
    ) -> Message.Subscribed {
        Message.Subscribed(id: id, channel: channel, epoch: epoch, head: head, mode: mode)
    }

    private static func fault(_ code: String, channel: String? = "a:b", id: Int? = nil) -> Message.Fault {
        Message.Fault(id: id, code: code, message: "m", channel: channel, items: [])
    }

    private static func requests(_ outgoing: [Tracks.Outgoing]) -> [Request.Subscribe] {
        outgoing.flatMap { outgoing -> [Request.Subscribe] in
            guard case .subscribe(let list) = outgoing.request else { return [] }
            return list
        }
    }

    /// Tracks of one channel that follows it from `head` on.
    private static func live(head: Int = 10) -> Tracks {
        var tracks = Tracks([Subscription("a:b")], backoff: Backoff())
        _ = tracks.sessionStarted(now: Self.at(0))
        _ = tracks.subscribed(Self.answer(.live, head: head))
        return tracks
    }

    @Test(arguments: [
        (Subscription("a:b"), Request.Subscribe(channel: "a:b")),
        (
            Subscription("a:b", from: .live, interval: 9),
            Request.Subscribe(channel: "a:b", snapshot: false, interval: 9)
        ),
        (Subscription("a:b", from: .snapshot), Request.Subscribe(channel: "a:b", snapshot: true)),
        (Subscription("a:b", from: .after(0)), Request.Subscribe(channel: "a:b", since: 0)),
        (Subscription("a:b", from: .after(5, epoch: "k")), Request.Subscribe(channel: "a:b", since: 5, epoch: "k")),
    ])
    func firstRequestSaysWhereToBegin(_ wanted: Subscription, _ request: Request.Subscribe) {
        var tracks = Tracks([wanted], backoff: Backoff())
        #expect(Self.requests(tracks.sessionStarted(now: Self.at(0))) == [request])
    }

    @Test func liveSubscriptionsResumeFromTheHead() {
        var tracks = Self.live(head: 10)
        #expect(tracks.positions == [Position(channel: "a:b", epoch: "k", seq: 10)])
        tracks.sessionEnded()
        let again = Self.requests(tracks.sessionStarted(now: Self.at(1)))
        #expect(again == [Request.Subscribe(channel: "a:b", since: 10, epoch: "k")])
    }

    @Test func eventsAreDeliveredOnceAndGapsAreTold() {
        var tracks = Self.live(head: 10)
        func step(_ seq: Int, _ skipped: Int = 0) -> String {
            switch tracks.event(Self.event(seq, skipped: skipped), now: Self.at(0)) {
            case .deliver(let event): "\(event.epoch)\(event.seq)"
            case .drop: "-"
            case .deliverAfter(let gap, let event): "\(gap.after)…\(gap.before ?? 0) \(event.seq)"
            }
        }
        #expect(step(10) == "-")
        #expect(step(11) == "k11")
        #expect(step(11) == "-")
        #expect(step(12) == "k12")
        #expect(step(15, 2) == "k15")
        #expect(step(20, 9) == "k20")
        #expect(step(25, 2) == "20…23 25")
        #expect(step(24) == "-")
        #expect(step(27) == "25…27 27")
        #expect(tracks.positions.first?.seq == 27)
    }

    @Test func eventsOfOtherChannelsAreDropped() {
        var tracks = Self.live()
        #expect(tracks.event(Self.event(11, channel: "x:y"), now: Self.at(0)) == .drop)
        #expect(tracks.snapshot(Self.event(11, channel: "x:y"), now: Self.at(0)) == nil)
        #expect(tracks.subscribed(Self.answer(.live, head: 1, channel: "x:y")).isEmpty)
    }

    @Test func snapshotsAreAskedForAgainUntilTheyAreComplete() {
        var tracks = Tracks([Subscription("a:b", from: .snapshot)], backoff: Backoff())
        _ = tracks.sessionStarted(now: Self.at(0))
        let updates = tracks.subscribed(Self.answer(.snapshot, head: 10))
        #expect(updates == [.subscribed(Position(channel: "a:b", epoch: "k", seq: 10), mode: .snapshot)])
        #expect(tracks.snapshot(Self.event(4), now: Self.at(0))?.epoch == "k")
        tracks.sessionEnded()
        let again = Self.requests(tracks.sessionStarted(now: Self.at(1)))
        #expect(again == [Request.Subscribe(channel: "a:b", snapshot: true)])
        _ = tracks.subscribed(Self.answer(.snapshot, head: 11))
        _ = tracks.snapshot(Self.event(4), now: Self.at(1))
        _ = tracks.snapshot(Self.event(11), now: Self.at(1))
        tracks.sessionEnded()
        let resumed = Self.requests(tracks.sessionStarted(now: Self.at(2)))
        #expect(resumed == [Request.Subscribe(channel: "a:b", since: 11, epoch: "k")])
    }

    @Test func eventsAfterTheSnapshotProveItComplete() {
        var tracks = Tracks([Subscription("a:b")], backoff: Backoff())
        _ = tracks.sessionStarted(now: Self.at(0))
        _ = tracks.subscribed(Self.answer(.snapshot, head: 10))
        #expect(tracks.positions.isEmpty)
        #expect(tracks.event(Self.event(11), now: Self.at(0)) != .drop)
        #expect(tracks.positions.first?.seq == 11)
    }

    @Test(arguments: [("cursor_expired", Gap.Reason.cursorExpired), ("epoch_changed", .epochChanged)])
    func lostPositionsBeginAgainWithASnapshot(code: String, reason: Gap.Reason) {
        var tracks = Self.live(head: 10)
        tracks.sessionEnded()
        _ = tracks.sessionStarted(now: Self.at(1))
        guard case .restart(let gap, let outgoing) = tracks.fault(Self.fault(code), now: Self.at(1), random: 0) else {
            Issue.record("no restart")
            return
        }
        #expect(gap == Gap(channel: "a:b", after: 10, reason: reason))
        #expect(Self.requests(outgoing) == [Request.Subscribe(channel: "a:b", snapshot: true)])
        let updates = tracks.subscribed(Self.answer(.live, head: 3, epoch: "k2"))
        #expect(updates == [.subscribed(Position(channel: "a:b", epoch: "k2", seq: 3), mode: .live)])
        guard case .deliver(let event) = tracks.event(Self.event(4), now: Self.at(1)) else {
            Issue.record("not delivered")
            return
        }
        #expect(event.epoch == "k2")
    }

    @Test func subscriptionEndedByTheHubBeginsAgain() {
        var tracks = Self.live()
        let fault = Self.fault("cursor_expired")
        guard case .restart = tracks.fault(fault, now: Self.at(1), random: 0) else {
            Issue.record("no restart")
            return
        }
        // What was under way before the new subscription is of the old one.
        #expect(tracks.event(Self.event(50), now: Self.at(1)) == .drop)
    }

    @Test func laterBeginningThanAskedForIsAGap() {
        var tracks = Self.live(head: 10)
        tracks.sessionEnded()
        _ = tracks.sessionStarted(now: Self.at(1))
        let updates = tracks.subscribed(Self.answer(.live, head: 12))
        #expect(updates.first == .gap(Gap(channel: "a:b", after: 10, before: 13, reason: .missing)))
    }

    @Test func ownChannelsGetTheirFullNameFromTheAnswer() {
        let wanted = [Subscription("balanceUpdate"), Subscription("a:b")]
        var tracks = Tracks(wanted, backoff: Backoff())
        let outgoing = tracks.sessionStarted(now: Self.at(0))
        #expect(outgoing.count == 2)
        _ = tracks.subscribed(Self.answer(.live, head: 3, channel: "balanceUpdate:u_1", id: outgoing.first?.id))
        _ = tracks.subscribed(Self.answer(.live, head: 4, id: outgoing.last?.id))
        #expect(tracks.positions.map(\.channel) == ["balanceUpdate:u_1", "a:b"])
        #expect(tracks.event(Self.event(4, channel: "balanceUpdate:u_1"), now: Self.at(0)) != .drop)
        tracks.sessionEnded()
        #expect(Self.requests(tracks.sessionStarted(now: Self.at(1))).map(\.since) == [4, 4])
    }

    @Test func refusedChannelsAreNotAskedForAgain() {
        var tracks = Tracks([Subscription("a:b"), Subscription("c:d")], backoff: Backoff())
        _ = tracks.sessionStarted(now: Self.at(0))
        #expect(tracks.fault(Self.fault("forbidden"), now: Self.at(0), random: 0) == .refused(channel: "a:b"))
        #expect(tracks.fault(Self.fault("forbidden"), now: Self.at(0), random: 0) == .notice)
        #expect(!tracks.isExhausted)
        tracks.sessionEnded()
        #expect(Self.requests(tracks.sessionStarted(now: Self.at(1))).map(\.channel) == ["c:d"])
        #expect(
            tracks.fault(Self.fault("unknown_type", channel: "c:d"), now: Self.at(1), random: 0)
                == .refused(channel: "c:d")
        )
        #expect(tracks.isExhausted)
    }

    @Test func faultsWithoutAChannelAreNotices() {
        var tracks = Self.live()
        let fault = Self.fault("bad_token", channel: nil)
        #expect(tracks.fault(fault, now: Self.at(0), random: 0) == .notice)
    }

    @Test func unavailableChannelsAreAskedForLater() {
        var tracks = Tracks([Subscription("a:b")], backoff: Backoff())
        _ = tracks.sessionStarted(now: Self.at(0))
        #expect(tracks.fault(Self.fault("unavailable"), now: Self.at(0), random: 1) == .postponed)
        #expect(tracks.overdue(now: Self.at(999)).isEmpty)
        #expect(Self.requests(tracks.overdue(now: Self.at(1000))) == [Request.Subscribe(channel: "a:b")])
        #expect(tracks.overdue(now: Self.at(1001)).isEmpty)
        #expect(tracks.fault(Self.fault("unavailable"), now: Self.at(1001), random: 1) == .postponed)
        #expect(tracks.overdue(now: Self.at(3000)).isEmpty)
        #expect(!tracks.overdue(now: Self.at(3001)).isEmpty)
    }

    @Test func standingStillBehindTheHeadIsStuck() {
        var tracks = Self.live(head: 10)
        let heartbeat = TimeAmount.milliseconds(100)
        tracks.heartbeat(["a:b": 10, "x:y": 5], now: Self.at(0))
        #expect(tracks.stuck(now: Self.at(1_000), heartbeat: heartbeat) == nil)
        tracks.heartbeat(["a:b": 12], now: Self.at(1_000))
        #expect(tracks.stuck(now: Self.at(1_100), heartbeat: heartbeat) == nil)
        #expect(tracks.stuck(now: Self.at(1_101), heartbeat: heartbeat) == "a:b")
    }

    @Test func gettingOnIsNotStuck() {
        var tracks = Self.live(head: 10)
        let heartbeat = TimeAmount.milliseconds(100)
        tracks.heartbeat(["a:b": 12], now: Self.at(0))
        _ = tracks.event(Self.event(11), now: Self.at(90))
        #expect(tracks.stuck(now: Self.at(150), heartbeat: heartbeat) == nil)
        #expect(tracks.stuck(now: Self.at(240), heartbeat: heartbeat) == nil)
        #expect(tracks.stuck(now: Self.at(260), heartbeat: heartbeat) == "a:b")
        _ = tracks.event(Self.event(12), now: Self.at(270))
        #expect(tracks.stuck(now: Self.at(10_000), heartbeat: heartbeat) == nil)
    }

    @Test func otherChannelsBuyTimeButNotForEver() {
        var tracks = Tracks([Subscription("a:b"), Subscription("c:d")], backoff: Backoff())
        _ = tracks.sessionStarted(now: Self.at(0))
        _ = tracks.subscribed(Self.answer(.live, head: 0))
        _ = tracks.subscribed(Self.answer(.live, head: 0, channel: "c:d"))
        let heartbeat = TimeAmount.milliseconds(100)
        tracks.heartbeat(["a:b": 1], now: Self.at(0))
        for beat in 1...3 {
            _ = tracks.event(Self.event(beat, channel: "c:d"), now: Self.at(Int64(beat) * 100))
            #expect(tracks.stuck(now: Self.at(Int64(beat) * 100), heartbeat: heartbeat) == nil)
        }
        _ = tracks.event(Self.event(4, channel: "c:d"), now: Self.at(301))
        #expect(tracks.stuck(now: Self.at(301), heartbeat: heartbeat) == "a:b")
    }

    @Test func pausesDoNotCountAsStandingStill() {
        var tracks = Self.live(head: 10)
        tracks.heartbeat(["a:b": 12], now: Self.at(0))
        tracks.listen(now: Self.at(5_000))
        #expect(tracks.stuck(now: Self.at(5_100), heartbeat: .milliseconds(100)) == nil)
        #expect(tracks.stuck(now: Self.at(5_101), heartbeat: .milliseconds(100)) == "a:b")
    }
}
