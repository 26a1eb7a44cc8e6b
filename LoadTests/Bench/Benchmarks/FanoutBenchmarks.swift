// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Logging
import NIOCore
import NIOPosix

/// What one tick of a loop does with published events, up to the connections.
enum FanoutBenchmarks {
    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static let all = [
        Self.tick("fanout-1000x1", subscribers: 1_000, events: 1),
        Self.tick("fanout-1000x64", subscribers: 1_000, events: 64),
        Self.tick("fanout-100x100", subscribers: 100, events: 100),
        Self.privateChannels("private-64x1", channels: 64),
    ]

    /// One event on each of so many channels with one subscriber each, committed in one batch and delivered.
    private static func privateChannels(_ name: String, channels: Int) -> Benchmark {
        Benchmark(name, "commit and delivery on \(channels) channels", operations: channels) {
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            let hub = Self.hub(on: loop)
            let events = try IntakeBenchmarks.events(0..<channels, keys: channels)
            return { iterations in try await Self.publish(events, to: hub, on: loop, ticks: iterations) }
        }
    }

    private static func publish(
        _ events: [Event],
        to hub: Hub,
        on loop: any EventLoop,
        ticks: Int
    ) async throws -> Duration? {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await hub.run() }
            var sessions: [(session: Session, transport: CountingTransport)] = []
            for name in events.flatMap(\.channels) {
                let transport = CountingTransport()
                guard let session = hub.makeSession(on: loop, transport: transport) else { continue }
                await session.open(following: name)
                sessions.append((session, transport))
            }
            while await hub.shards[0].subscriptionCount < sessions.count { await Task.yield() }
            let before = sessions.reduce(0) { $0 + $1.transport.count }
            let run = UInt64.random(in: 0 ... .max)
            var events = events
            let clock = ContinuousClock()
            let start = clock.now
            for tick in 0..<ticks {
                for index in events.indices { events[index].id = "\(run)-\(tick)-\(index)" }
                _ = try await hub.writer.append(events)
            }
            let time = clock.now - start
            let sent = sessions.reduce(0) { $0 + $1.transport.count } - before
            guard sent > ticks * events.count * 200 else { throw Failure(description: "only \(sent) bytes") }
            for session in sessions { await session.session.ended() }
            hub.shutDown()
            try await group.waitForAll()
            return time
        }
    }

    private static func hub(on loop: any EventLoop) -> Hub {
        Hub(
            configuration: HubConfiguration(),
            storage: Storage(MemoryTape()),
            bus: InProcessBus(),
            loops: [loop],
            framing: .bare,
            verifier: TokenVerifier { _ in .settled(.failure(.invalid("nobody authenticates here"))) },
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// So many events, published at once, to so many subscribers of one channel on one loop.
    private static func tick(_ name: String, subscribers: Int, events: Int) -> Benchmark {
        Benchmark(name, "delivery of \(events) to \(subscribers)", operations: subscribers * events) {
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            let hub = Self.hub(on: loop)
            let entries = try IntakeBenchmarks.events(0..<events, keys: 1)
            return { iterations in
                try await Self.run(hub, on: loop, subscribers: subscribers, entries, ticks: iterations)
            }
        }
    }

    private static func run(
        _ hub: Hub,
        on loop: any EventLoop,
        subscribers: Int,
        _ events: [Event],
        ticks: Int
    ) async throws -> Duration? {
        guard let name = events.first?.channels.first, let shard = hub.shards.first else { return nil }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await hub.run() }
            var sessions: [(session: Session, transport: CountingTransport)] = []
            for _ in 0..<subscribers {
                let transport = CountingTransport()
                guard let session = hub.makeSession(on: loop, transport: transport) else { continue }
                await session.open(following: name)
                sessions.append((session, transport))
            }
            while await shard.subscriptionCount < subscribers { await Task.yield() }
            guard let channel = await hub.registry.existing(name) else { throw Failure(description: "no channel") }
            let before = sessions.reduce(0) { $0 + $1.transport.count }
            let clock = ContinuousClock()
            let start = clock.now
            let done = loop.makePromise(of: Void.self)
            loop.execute { Self.tick(shard, channel, events, from: 1, ticks: ticks, done) }
            try await done.futureResult.get()
            let time = clock.now - start
            let sent = sessions.reduce(0) { $0 + $1.transport.count } - before
            guard sent > ticks * events.count * subscribers * 200 else {
                throw Failure(description: "only \(sent) bytes were delivered")
            }
            for session in sessions { await session.session.ended() }
            hub.shutDown()
            try await group.waitForAll()
            return time
        }
    }

    /// Each tick is a task of its own on the loop, so that its flush comes before the next.
    private static func tick(
        _ shard: SessionShard,
        _ channel: EventChannel,
        _ events: [Event],
        from seq: Int,
        ticks: Int,
        _ done: EventLoopPromise<Void>
    ) {
        guard ticks > 0 else { return done.succeed() }
        let entries = events.enumerated().map { TapeEntry(seq: seq + $0, event: $1) }
        if let broadcast = channel.assumeIsolated({ $0.publish(entries) }) {
            shard.assumeIsolated { $0.deliver(broadcast.localChanges) }
        }
        shard.loop.execute {
            Self.tick(shard, channel, events, from: seq + events.count, ticks: ticks - 1, done)
        }
    }
}

extension Session {
    fileprivate func open(following channel: ChannelName) {
        self.opened(token: nil, now: .now)
        self.received(Array(#"{"op":"subscribe","channel":"\#(channel)","snapshot":false}"#.utf8))
    }
}
