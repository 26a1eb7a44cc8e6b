// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import Synchronization

/// Keeps a connection to Redis while its task runs; reconnects with a jittered delay.
final class RedisLink: Sendable {
    private let connector: RedisConnector
    private let loop: any EventLoop
    private let opening: RedisOpening
    private let receiver: any RedisReceiver
    private let logger: Logger
    private let connections = Atomic<Int>(0)

    init(
        connector: RedisConnector,
        loop: any EventLoop,
        opening: RedisOpening,
        receiver: any RedisReceiver,
        logger: Logger
    ) {
        self.connector = connector
        self.loop = loop
        self.opening = opening
        self.receiver = receiver
        self.logger = logger
    }

    /// Number of connections opened after the first.
    var reconnects: Int {
        max(0, self.connections.load(ordering: .relaxed) - 1)
    }

    /// Keeps a connection until the task is cancelled; the connection is closed when this returns.
    func run() async {
        let backoff = self.connector.options.backoff
        var failures = 0
        while !Task.isCancelled {
            let life = await self.live()
            guard !Task.isCancelled else { return }
            if let opened = life.opened, NIODeadline.now() - opened >= backoff.stableAfter { failures = 0 }
            failures += 1
            // An outage is logged once, not with every attempt.
            self.logger.log(
                level: life.opened != nil || failures == 1 ? .warning : .debug,
                "no connection to Redis",
                metadata: [
                    "reason": "\(life.ending)",
                    "address": "\(self.connector.address)",
                    "for": "\(self.opening.name)",
                    "failures": "\(failures)",
                ]
            )
            let delay = backoff.delay(failures: failures, random: .random(in: 0...1))
            try? await Task.sleep(for: .nanoseconds(delay.nanoseconds))
        }
    }

    /// Runs one connection to its end, or until the task is cancelled.
    private func live() async -> Life.Outcome {
        let life = Life(receiver: self.receiver, loop: self.loop) {
            self.connections.wrappingAdd(1, ordering: .relaxed)
            self.logger.info(
                "connected to Redis",
                metadata: ["address": "\(self.connector.address)", "for": "\(self.opening.name)"]
            )
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.loop.execute {
                    life.begin(continuation) { () throws(RedisFault) in
                        try self.connector.connect(on: self.loop, for: self.opening, receiver: life)
                    }
                }
            }
        } onCancel: {
            self.loop.execute { life.cancel() }
        }
    }
}

/// One connection of a link: forwards all events, and resumes the link's task at the end. Confined to the loop.
private final class Life: RedisReceiver {
    struct Outcome: Sendable {
        var ending: RedisEnding
        /// When the greeting completed; nil if it did not.
        var opened: NIODeadline?
    }

    private struct State {
        var connection: RedisConnection?
        var continuation: CheckedContinuation<Outcome, Never>?
        var opened: NIODeadline?
        var isCancelled = false
    }

    private let receiver: any RedisReceiver
    private let count: @Sendable () -> Void
    private let state: NIOLoopBoundBox<State>

    /// - Parameter count: Called when the greeting is complete.
    init(receiver: any RedisReceiver, loop: any EventLoop, count: @escaping @Sendable () -> Void) {
        self.receiver = receiver
        self.count = count
        self.state = .makeBoxSendingValue(State(), eventLoop: loop)
    }

    func begin(
        _ continuation: CheckedContinuation<Outcome, Never>,
        connect: () throws(RedisFault) -> RedisConnection
    ) {
        self.state.value.continuation = continuation
        guard !self.state.value.isCancelled else { return self.ended(.cancelled) }
        do throws(RedisFault) {
            self.state.value.connection = try connect()
        } catch {
            self.ended(.fault(error))
        }
    }

    func cancel() {
        self.state.value.isCancelled = true
        self.state.value.connection?.end(.cancelled)
    }

    func opened(_ connection: RedisConnection) {
        self.state.value.opened = .now()
        self.count()
        self.receiver.opened(connection)
    }

    func received(_ value: RedisValue, from connection: RedisConnection) {
        self.receiver.received(value, from: connection)
    }

    func becameWritable(_ connection: RedisConnection) {
        self.receiver.becameWritable(connection)
    }

    func ended(_ ending: RedisEnding) {
        let (continuation, opened) = (self.state.value.continuation, self.state.value.opened)
        self.state.value.continuation = nil
        self.state.value.connection = nil
        self.receiver.ended(ending)
        continuation?.resume(returning: Outcome(ending: ending, opened: opened))
    }
}
