// SPDX-License-Identifier: Apache-2.0

import HubTestSupport
import NIOCore
import Testing

@testable import Hub
@testable import Server

/// What streams leave behind: nothing.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct StreamMemoryTests {
    private struct WeakLane {
        weak var lane: (any Lane)?
    }

    @Test(arguments: [false, true])
    func aStreamThatIsOverIsFreed(_ isReset: Bool) async throws {
        try await withServer { server in
            let stream = try await server.stream("channel=rateChange:A&since=0")
            try await stream.expect("subscribed")
            var lanes: [NIOLoopBoundBox<WeakLane>] = []
            for roster in server.hub.rosters {
                lanes += try await roster.loop.submit {
                    roster.assumeIsolated { roster in
                        roster.members.values.map { NIOLoopBoundBox(WeakLane(lane: $0.lane), eventLoop: roster.loop) }
                    }
                }.get()
            }
            #expect(lanes.count == 1)
            if isReset { await stream.wire.reset() } else { try await stream.wire.finish() }
            for lane in lanes {
                try await eventually("the stream is freed") {
                    try await lane.eventLoop.submit { lane.value.lane == nil }.get()
                }
            }
        }
    }
}
