// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import JSON
import Synchronization
import Testing

/// What applications ask of a subscriber while it runs.
@Suite(.timeLimit(.minutes(1)))
struct SubscriberApplicationTests {
    /// Cursors in memory, and in which order they were asked for and saved.
    private final class Store: CursorStore {
        struct State: Sendable {
            var cursors: [String: Position] = [:]
            var loaded: [String] = []
            var saved: [Int] = []
        }

        let state: Mutex<State>

        init(_ cursors: [Position] = []) {
            self.state = Mutex(
                State(cursors: Dictionary(cursors.map { ($0.channel, $0) }, uniquingKeysWith: { first, _ in first }))
            )
        }

        func load(_ channel: String) -> Position? {
            self.state.withLock {
                $0.loaded.append(channel)
                return $0.cursors[channel]
            }
        }

        func save(_ cursor: Position) {
            self.state.withLock {
                $0.cursors[cursor.channel] = cursor
                $0.saved.append(cursor.seq)
            }
        }
    }

    @Test func channelsComeAndGoWhileItRuns() async throws {
        try await Loopback.withServer { server in
            let subscriber = try Script.subscriber(server)
            try await subscriber.run { updates in
                var update = updates.makeAsyncIterator()
                let peer = try await server.accept()
                #expect(await peer.nextSubscription()?["channel"]?.string == "a:b")
                peer.send(Script.welcome, Script.subscribed(head: 1))
                #expect(Script.short(await update.next()) == "connected")
                #expect(Script.short(await update.next()) == "subscribed 1 live")
                await subscriber.subscribe(Subscription("c:d", from: .after(3, epoch: "k")))
                await subscriber.subscribe(Subscription("c:d"))
                let second = await peer.nextSubscription()
                #expect(second?["channel"]?.string == "c:d" && second?["since"]?.integer(in: .seq) == 3)
                await subscriber.unsubscribe("a:b")
                #expect(await peer.next()?["op"]?.string == "unsubscribe")
                peer.send(Script.event(2), #"{"op":"pong"}"#)
                peer.drop()
                #expect(Script.short(await update.next()) == "disconnected the connection was lost")
                #expect(await subscriber.positions.map(\.channel) == ["c:d"])
            }
        }
    }

    @Test func itReconnectsWhenItIsAskedTo() async throws {
        var options = Script.quick
        options.backoff = Backoff(base: .seconds(3600), cap: .seconds(3600))
        try await Loopback.withServer { [options] server in
            let subscriber = try Script.subscriber(server, options: options)
            try await subscriber.run { updates in
                var update = updates.makeAsyncIterator()
                let first = try await server.accept()
                // What is closed with something unread is reset, which has another message.
                #expect(await first.nextSubscription() != nil)
                first.drop()
                #expect(Script.short(await update.next()) == "disconnected the connection was lost")
                await subscriber.reconnect()
                let peer = try await server.accept()
                #expect(await peer.nextSubscription() != nil)
                await subscriber.networkChanged(isAvailable: false)
                #expect(await peer.next()?["op"]?.string == "ping")
                await subscriber.reconnect()
                #expect(await peer.next() == nil)
                _ = try await server.accept()
            }
        }
    }

    @Test func cursorsAreUsedAndSavedOnceMoreIsAskedFor() async throws {
        let store = Store([Position(channel: "a:b", epoch: "k", seq: 4)])
        var options = Script.quick
        options.cursors = store
        try await Loopback.withServer { [options] server in
            try await Script.subscriber(server, options: options).run { updates in
                var update = updates.makeAsyncIterator()
                let peer = try await server.accept()
                let request = await peer.nextSubscription()
                #expect(request?["since"]?.integer(in: .seq) == 4 && request?["epoch"]?.string == "k")
                peer.send(Script.welcome, Script.subscribed(head: 5, mode: "resumed"), Script.event(5))
                for expected in ["connected", "subscribed 4 resumed", "behind 4 of 5", "event 5", "not behind"] {
                    #expect(store.state.withLock { $0.saved } == [])
                    #expect(Script.short(await update.next()) == expected)
                }
                peer.send(Script.event(6))
                #expect(Script.short(await update.next()) == "event 6")
                peer.drop()
                #expect(Script.short(await update.next()) == "disconnected the connection was lost")
                _ = try await server.accept()
            }
        }
        #expect(store.state.withLock { $0.saved } == [5, 6])
    }

    @Test func cursorsOfOnesOwnChannelsBelongToTheUser() async throws {
        let store = Store([Position(channel: "balanceUpdate:u_1", epoch: "k", seq: 9)])
        var options = Script.quick
        options.cursors = store
        try await Loopback.withServer { [options] server in
            let subscriber = try Subscriber(
                to: server.address,
                subscriptions: [Subscription("balanceUpdate")],
                token: { "t" },
                options: options
            )
            try await subscriber.run { _ in
                let peer = try await server.accept()
                peer.send(Script.welcome, #"{"op":"authenticated","user":"u_1"}"#)
                let request = await peer.nextSubscription()
                #expect(request?["channel"]?.string == "balanceUpdate")
                #expect(request?["since"]?.integer(in: .seq) == 9)
            }
        }
        #expect(store.state.withLock { $0.loaded } == ["balanceUpdate:u_1"])
    }

    @Test func updatesOfOneTypeAreReadIntoFields() async throws {
        try await Loopback.withServer { server in
            let subscriber = try Subscriber(
                to: server.address,
                subscriptions: [Subscription("rateChange:A"), Subscription("a:b")],
                options: Script.quick
            )
            try await subscriber.run { updates in
                let peer = try await server.accept()
                peer.send(
                    Script.welcome,
                    #"{"op":"subscribed","id":1,"channel":"rateChange:A","epoch":"k","head":1,"mode":"snapshot"}"#,
                    Script.subscribed(head: 0),
                    Script.event(1),
                    #"{"op":"snapshot","channel":"rateChange:A","seq":1,"id":"e","time":"t","data":{"rate":"1.10"}}"#,
                    #"{"op":"event","channel":"rateChange:A","seq":4,"id":"e","time":"t","data":{"rate":"1.20"}}"#,
                    #"{"op":"event","channel":"rateChange:A","seq":5,"id":"e","time":"t","data":{"rate":1.3}}"#
                )
                var update = updates.of(RateChange.self).makeAsyncIterator()
                #expect(try await update.next()?.content?.rate == "1.10")
                let gap = Gap(channel: "rateChange:A", after: 1, before: 4, reason: .missing)
                #expect(try await update.next() == .gap(gap))
                #expect(try await update.next()?.content?.rate == "1.20")
                await #expect(throws: EventData.Unreadable.self) { try await update.next() }
            }
        }
    }
}
