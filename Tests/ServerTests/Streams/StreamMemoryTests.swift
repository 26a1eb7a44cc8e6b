// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TestSupport
import Testing

@testable import Hub
@testable import Server

/// What streams leave behind: nothing.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct StreamMemoryTests {
    private struct WeakLane {
        weak var eventWriter: (any EventWriter)?
    }

    @Test(arguments: [false, true])
    func aStreamThatIsOverIsFreed(_ isReset: Bool) async throws {
        try await withServer { server in
            let stream = try await server.stream("channel=rateChange:A&since=0")
            try await stream.expect("subscribed")
            var lanes: [NIOLoopBoundBox<WeakLane>] = []
            for shard in server.hub.shards {
                lanes += try await shard.loop.submit {
                    shard.assumeIsolated { shard in
                        shard.members.values.map {
                            NIOLoopBoundBox(WeakLane(eventWriter: $0.eventWriter), eventLoop: shard.loop)
                        }
                    }
                }.get()
            }
            #expect(lanes.count == 1)
            if isReset { await stream.wire.reset() } else { try await stream.wire.finish() }
            for eventWriter in lanes {
                try await eventually("the stream is freed") {
                    try await eventWriter.eventLoop.submit { eventWriter.value.eventWriter == nil }.get()
                }
            }
        }
    }
}
