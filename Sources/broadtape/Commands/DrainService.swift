// SPDX-License-Identifier: Apache-2.0

import Hub
import ServiceLifecycle
import UnixSignals

/// Draining, as a service of the process: SIGTERM or a request on the admin port drains the node and then stops it.
/// A second SIGTERM, or SIGINT, ends the drain early.
struct DrainService: Service, CustomStringConvertible {
    let description = "drain"
    private let hub: Hub
    private let window: Duration
    private let terminations: UnixSignalsSequence
    private let orders: (stream: AsyncStream<Duration>, continuation: AsyncStream<Duration>.Continuation)

    /// - Parameters:
    ///   - window: Time over which sessions are disconnected, unless a request names another one.
    ///   - terminations: SIGTERM, already trapped.
    init(hub: Hub, window: Duration, terminations: UnixSignalsSequence) {
        self.terminations = terminations
        self.hub = hub
        self.window = window
        self.orders = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(2))
    }

    /// Requests a drain; the first of several requests counts.
    @Sendable
    func begin(over window: Duration?) {
        self.orders.continuation.yield(window ?? self.window)
    }

    func run() async {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.obeySignals() }
                var orders = self.orders.stream.makeAsyncIterator()
                if let window = await orders.next() {
                    await self.hub.drain(over: window)
                }
                group.cancelAll()
            }
        } onGracefulShutdown: {
            self.hub.finishDrainNow()
            self.orders.continuation.finish()
        }
    }

    private func obeySignals() async {
        for await _ in self.terminations {
            guard !self.hub.isDraining else { return self.hub.finishDrainNow() }
            self.begin(over: nil)
        }
    }
}
