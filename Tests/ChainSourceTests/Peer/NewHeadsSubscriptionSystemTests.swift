// SPDX-License-Identifier: Apache-2.0

import ChainSource
import EventLog
import Ingest
import NIOPosix
import TestSupport
import Testing
import WebSocketClient

@Suite(.system, .serialized, .timeLimit(.minutes(3)))
struct NewHeadsSubscriptionSystemTests {
    @Test func tellsOfBlocksAndFindsItsWayBack() async throws {
        try await PeerNode.with(seed: 4) { peer in
            let wakes = Watched(0)
            let watch = try NewHeadsSubscription(
                [WebSocketURL(peer.webSocket)],
                on: MultiThreadedEventLoopGroup.singleton.next(),
                retry: .milliseconds(10) ... .milliseconds(50),
                logger: Following.quiet
            ) {
                wakes.change { $0 += 1 }
            }
            let running = Task { await watch.run() }
            // One for the connection, one for each block.
            try await wakes.wait(for: "the connection") { $0 == 1 }
            try await Self.emit(peer, until: wakes) { $0 > 1 }
            // Dropped: connects again and subscribes again.
            try await peer.control("drop")
            try await Self.connects(watch, 2)
            var count = wakes.value
            try await Self.emit(peer, until: wakes) { [count] in $0 > count }
            // Alive, and silent: who polls finds it out.
            try await peer.control("mute", "true")
            try await peer.control("emit", "1", "0", "0")
            let head = try await peer.head
            await watch.polled(head: head)
            await watch.polled(head: head)
            try await peer.control("mute", "false")
            try await Self.connects(watch, 3)
            count = wakes.value
            try await Self.emit(peer, until: wakes) { [count] in $0 > count }
            running.cancel()
            await running.value
        }
    }

    /// The first socket refuses, is cut, does not subscribe, or is open and says nothing: the second one is tried.
    @Test(arguments: [
        ("status", #""status":401"#, "refused", "401"), ("status", #""status":404"#, "refused", "404"),
        ("status", #""status":429"#, "throttled", "429"), ("status", #""status":503"#, "failing", "503"),
        ("close", "", "unreachable", ""), ("hang", "", "unreachable", "no new blocks"),
        ("error", #""code":-32601,"message":"eth_subscribe is not available""#, "refused", "not available"),
    ])
    func anotherSocketIsTried(_ mode: String, _ members: String, _ trouble: String, _ words: String) async throws {
        try await PeerNode.with(seed: 5) { peer in
            try await GatePeer.with(before: peer.port) { gate in
                try await gate.set(mode, members)
                let wakes = Watched(0)
                let watch = try NewHeadsSubscription(
                    [WebSocketURL(gate.webSocket), WebSocketURL(peer.webSocket)],
                    on: MultiThreadedEventLoopGroup.singleton.next(),
                    retry: .milliseconds(10) ... .milliseconds(50),
                    logger: Following.quiet
                ) {
                    wakes.change { $0 += 1 }
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await watch.run() }
                    if mode == "hang" {
                        try await Self.connects(watch, 1)
                        try await peer.control("emit", "1", "0", "0")
                        let head = try await peer.head
                        for _ in 0..<2 { await watch.polled(head: head) }
                    }
                    try await eventually("the second socket") { watch.endpoints.reports[1].isUsed }
                    #expect(watch.endpoints.reports[0].trouble == trouble)
                    #expect(watch.endpoints.reports[0].why.contains(words))
                    let count = wakes.value
                    try await Self.emit(peer, until: wakes) { $0 > count + 1 }
                    group.cancelAll()
                }
            }
        }
    }

    /// The subscription comes a moment after the connection.
    private static func emit(
        _ peer: PeerNode,
        until wakes: Watched<Int>,
        _ condition: @escaping @Sendable (Int) -> Bool
    ) async throws {
        for _ in 0..<50 {
            try await peer.control("emit", "1", "0", "0")
            if (try? await wakes.wait(for: "a wake", within: .milliseconds(200), until: condition)) != nil { return }
        }
        try await wakes.wait(for: "a wake", within: .milliseconds(1), until: condition)
    }

    private static func connects(_ watch: NewHeadsSubscription, _ count: Int) async throws {
        let changed = Watched(())
        for _ in 0..<200 {
            if await watch.connects >= count { return }
            try? await changed.wait(for: "a moment", within: .milliseconds(50)) { _ in false }
        }
        #expect(await watch.connects >= count)
    }
}
