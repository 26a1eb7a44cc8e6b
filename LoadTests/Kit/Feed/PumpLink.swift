// SPDX-License-Identifier: Apache-2.0

import Histogram
import NIOCore

/// Reaches a pump from outside its loop.
struct PumpLink: Sendable {
    private let loop: any EventLoop
    private let pump: NIOLoopBound<Pump>

    /// Makes a pump for the length of a body.
    /// - Parameter connections: How many sockets it publishes over.
    static func with<Answer: Sendable>(
        _ setting: Pump.Setting,
        over way: Way,
        connections: Int,
        stage: Stage,
        _ body: @escaping @Sendable (PumpLink) async throws -> Answer
    ) async throws -> Answer {
        guard let loop = stage.crews.first?.loop else { throw RunError.unexpected("there is no event loop") }
        let (pump, work) = try await loop.submit { () -> (NIOLoopBound<Pump>, [@Sendable () async -> Void]) in
            let pump = Pump(on: loop, setting, stage: stage)
            var work: [@Sendable () async -> Void] = []
            switch way {
            case .socket:
                pump.connect(
                    (0..<connections).map { index in
                        SocketFeed(stage.target, connectors: stage.connectors, node: index, pump: pump)
                    }
                )
            case .post:
                let made = RequestFeed.make(stage.target, client: stage.client, pump: pump)
                pump.connect([made.feed])
                work.append(made.work)
            }
            return (NIOLoopBound(pump, eventLoop: loop), work)
        }.get()
        let link = PumpLink(loop: loop, pump: pump)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for task in work { group.addTask { await task() } }
            let result: Result<Answer, any Error>
            do {
                result = .success(try await body(link))
            } catch {
                result = .failure(error)
            }
            try await loop.submit { pump.value.close() }.get()
            group.cancelAll()
            return try result.get()
        }
    }

    private init(loop: any EventLoop, pump: NIOLoopBound<Pump>) {
        self.loop = loop
        self.pump = pump
    }

    /// Begins to publish.
    func begin() async throws {
        try await self.loop.submit { self.pump.value.begin() }.get()
    }

    /// Publishes as many events as there are to be; returns when the last was acknowledged.
    func publishAll() async throws {
        try await self.loop.flatSubmit {
            self.pump.value.begin()
            return self.pump.value.allAcknowledged()
        }.get()
    }

    /// From now on latencies count, or do not.
    func measure(_ isMeasuring: Bool) async throws {
        try await self.loop.submit { self.pump.value.measure(isMeasuring) }.get()
    }

    /// Sends nothing more; returns when everything sent was acknowledged.
    func stop() async throws {
        try await self.loop.flatSubmit { self.pump.value.stop() }.get()
    }

    /// How late events went out after they were due.
    func lateness() async throws -> Histogram<UInt64> {
        try await self.loop.submit { self.pump.value.lateness }.get()
    }
}
