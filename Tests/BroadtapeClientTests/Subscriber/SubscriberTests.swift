// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import JSON
import Testing

/// The whole subscriber against a server whose every word the test says.
@Suite(.timeLimit(.minutes(1)))
struct SubscriberTests {
    @Test func resumesWhereItGotToAndDropsWhatItHas() async throws {
        try await Loopback.withServer { server in
            try await Script.subscriber(server).run { updates in
                var update = updates.makeAsyncIterator()
                let first = try await server.accept()
                first.send(
                    Script.welcome,
                    Script.subscribed(head: 4),
                    Script.event(5),
                    Script.event(5),
                    Script.event(6)
                )
                for expected in ["connected", "subscribed 4 live", "event 5", "event 6"] {
                    #expect(Script.short(await update.next()) == expected)
                }
                #expect(await first.nextSubscription()?["since"]?.integer(in: .seq) == nil)
                first.drop()
                #expect(Script.short(await update.next()) == "disconnected the connection was lost")
                let second = try await server.accept()
                let request = await second.nextSubscription()
                #expect(request?["since"]?.integer(in: .seq) == 6)
                #expect(request?["epoch"]?.string == "k")
                second.send(
                    Script.welcome,
                    Script.subscribed(head: 8, mode: "resumed"),
                    Script.event(7),
                    Script.event(8),
                    #"{"op":"caughtUp","channel":"a:b","seq":8}"#
                )
                for expected in [
                    "connected", "subscribed 6 resumed", "behind 6 of 8", "event 7", "event 8", "not behind",
                    "caughtUp 8",
                ] {
                    #expect(Script.short(await update.next()) == expected)
                }
            }
        }
    }

    @Test func expiredCursorIsAGapAndASnapshot() async throws {
        try await Loopback.withServer { server in
            let subscriber = try Subscriber(
                to: server.address,
                subscriptions: [Subscription("a:b", from: .after(3, epoch: "k"))],
                options: Script.quick
            )
            try await subscriber.run { updates in
                var update = updates.makeAsyncIterator()
                let peer = try await server.accept()
                #expect(await peer.next("subscribe") != nil)
                peer.send(
                    Script.welcome,
                    #"{"op":"error","id":1,"code":"cursor_expired","message":"m","channel":"a:b","action":"snapshot"}"#
                )
                let again = await peer.nextSubscription()
                #expect(again?["snapshot"]?.bool == true)
                #expect(again?["since"]?.integer(in: .seq) == nil)
                peer.send(
                    Script.subscribed(head: 90, mode: "snapshot"),
                    #"{"op":"snapshot","channel":"a:b","seq":90,"id":"e","time":"t","data":{}}"#
                )
                for expected in ["connected", "gap 3 cursorExpired", "subscribed 90 snapshot", "snapshot 90"] {
                    #expect(Script.short(await update.next()) == expected)
                }
            }
        }
    }

    @Test func finalCloseEndsTheRun() async throws {
        try await Loopback.withServer { server in
            let subscriber = try Script.subscriber(server)
            await #expect(throws: Ending.closed(code: 4501, reason: "bad token")) {
                try await subscriber.run { updates in
                    let peer = try await server.accept()
                    peer.send(Script.welcome, #"{"op":"error","code":"bad_token","message":"m"}"#)
                    peer.close(4501, "bad token")
                    let all = await updates.reduce(into: []) { $0.append(Script.short($1)) }
                    #expect(all == ["connected", "notice bad_token"])
                }
            }
        }
    }

    @Test func nothingLeftToReadEndsTheRun() async throws {
        try await Loopback.withServer { server in
            let subscriber = try Script.subscriber(server)
            await #expect(throws: Ending.nothingToRead(code: "forbidden", message: "not yours")) {
                try await subscriber.run { updates in
                    let peer = try await server.accept()
                    peer.send(#"{"op":"error","code":"forbidden","message":"not yours","channel":"a:b"}"#)
                    let all = await updates.reduce(into: []) { $0.append(Script.short($1)) }
                    #expect(all == ["refused forbidden"])
                }
            }
        }
    }

    @Test func silenceIsADeadConnection() async throws {
        try await Loopback.withServer { server in
            try await Script.subscriber(server).run { updates in
                var update = updates.makeAsyncIterator()
                let peer = try await server.accept()
                peer.send(#"{"op":"welcome","session":"s","node":"n","heartbeat":20}"#)
                #expect(Script.short(await update.next()) == "connected")
                guard case .disconnected(.silent, _) = await update.next() else {
                    Issue.record("not silent")
                    return
                }
                _ = try await server.accept()
            }
        }
    }

    @Test func stayingBehindWhileNothingComesIsStuck() async throws {
        try await Loopback.withServer { server in
            try await Script.subscriber(server).run { updates in
                var update = updates.makeAsyncIterator()
                let peer = try await server.accept()
                peer.send(
                    #"{"op":"welcome","session":"s","node":"n","heartbeat":300}"#,
                    Script.subscribed(head: 4),
                    #"{"op":"heartbeat","time":"t","heads":{"a:b":6}}"#
                )
                #expect(Script.short(await update.next()) == "connected")
                #expect(Script.short(await update.next()) == "subscribed 4 live")
                #expect(Script.short(await update.next()) == "behind 4 of 6")
                guard case .disconnected(.stuck(channel: "a:b"), _) = await update.next() else {
                    Issue.record("not stuck")
                    return
                }
                let next = try await server.accept()
                let request = await next.nextSubscription()
                #expect(request?["since"]?.integer(in: .seq) == 4)
            }
        }
    }

    @Test func goodbyeIsHonoured() async throws {
        try await Loopback.withServer { server in
            try await Script.subscriber(server).run { updates in
                var update = updates.makeAsyncIterator()
                let peer = try await server.accept()
                peer.send(Script.welcome, #"{"op":"goodbye","reason":"draining","reconnectAfter":37}"#)
                peer.close(4001, "draining;retry=37")
                #expect(Script.short(await update.next()) == "connected")
                let ending = Ending.closed(code: 4001, reason: "draining;retry=37")
                #expect(await update.next() == .disconnected(ending, retryInMilliseconds: 37))
                _ = try await server.accept()
            }
        }
    }

    @Test func slowConsumerStopsTheReading() async throws {
        try await Loopback.withServer { server in
            var options = Script.quick
            options.queueBytes = 100_000
            try await Script.subscriber(server, options: options).run { updates in
                let peer = try await server.accept()
                peer.send(Script.welcome, Script.subscribed(head: 0))
                for seq in 1...60 { peer.send(Script.event(seq, padding: 60_000)) }
                #expect(try await peer.hasUnsentBytes())
                var next = 1
                for await update in updates {
                    guard case .event(let event) = update else { continue }
                    #expect(event.seq == next)
                    next += 1
                    if next > 60 { break }
                }
            }
        }
    }

    @Test func clientThatDoesNotReadGivesSignsOfLife() async throws {
        try await Loopback.withServer { server in
            var options = Script.quick
            options.queueBytes = 1
            try await Script.subscriber(server, options: options).run { updates in
                let peer = try await server.accept()
                peer.send(#"{"op":"welcome","session":"s","node":"n","heartbeat":250}"#)
                // For longer than a connection that is listened to may be silent.
                for _ in 0..<6 { try await peer.pong() }
                var update = updates.makeAsyncIterator()
                #expect(Script.short(await update.next()) == "connected")
                peer.send(Script.subscribed(head: 3))
                #expect(Script.short(await update.next()) == "subscribed 3 live")
            }
        }
    }

    @Test func cancellationClosesTheConnection() async throws {
        try await Loopback.withServer { server in
            let subscriber = try Script.subscriber(server)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await subscriber.run() }
                let peer = try await server.accept()
                #expect(await peer.next("subscribe") != nil)
                group.cancelAll()
                #expect(await peer.next() == nil)
                await #expect(throws: CancellationError.self) { try await group.waitForAll() }
            }
            #expect(await subscriber.updates.reduce(0) { count, _ in count + 1 } == 0)
        }
    }

    @Test func unreadableMessagesEndTheRun() async throws {
        try await Loopback.withServer { server in
            let subscriber = try Script.subscriber(server)
            await #expect(throws: Ending.violation("a message is not an object with an \"op\"")) {
                try await subscriber.run { updates in
                    try await server.accept().send("[]")
                    for await _ in updates {}
                }
            }
        }
    }
}
