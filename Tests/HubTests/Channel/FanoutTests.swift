// SPDX-License-Identifier: Apache-2.0

import Dispatch
import EventLog
import Hub
import NIOCore
import NIOPosix
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct FanoutTests {
    /// A hub on two threads of its own, of which the second can be stopped.
    private func withStoppableHub(
        bus: ScriptedBus = ScriptedBus(),
        _ body: (TestHub, DispatchSemaphore) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let hub = TestHub(.forTests, tape: GatedTape(MemoryTape()), bus: bus, loops: Array(group.makeIterator()))
        let release = DispatchSemaphore(value: 0)
        do {
            try await hub.run { hub in
                do {
                    try await body(hub, release)
                    release.signal()
                } catch {
                    release.signal()
                    throw error
                }
            }
            try await group.shutdownGracefully()
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
    }

    private func stopSecondLoop(of hub: TestHub, until release: DispatchSemaphore) async throws {
        let isStopped = Watched(false)
        hub.loops[1].execute {
            isStopped.change { $0 = true }
            release.wait()
        }
        try await isStopped.wait(for: "the loop to stop") { $0 }
    }

    @Test func publishersWaitForALoopThatCannotKeepUp() async throws {
        try await self.withStoppableHub { hub, release in
            let client = try await hub.connect(on: 1)
            try await client.subscribe("note:k")
            try await self.stopSecondLoop(of: hub, until: release)
            let answers = Watched(0)
            for _ in 0..<50 {
                hub.hub.writer.submit(try hub.events([("note:k", "{}")])) { _ in answers.change { $0 += 1 } }
                try await hub.loops[0].settle()
            }
            // Some batches are under way to the loop, the rest waits.
            #expect(answers.value < 50)
            #expect(hub.tape.log.batches.count < 50)
            release.signal()
            try await answers.wait(for: "50 answers") { $0 == 50 }
            #expect(try await client.events(on: "note:k", through: 50) == Array(1...50))
        }
    }

    /// The writer waits for room, and so does what comes over the bus.
    @Test func writerAndBusCanWaitAtTheSameTime() async throws {
        let bus = ScriptedBus()
        try await self.withStoppableHub(bus: bus) { hub, release in
            let client = try await hub.connect(on: 1)
            try await client.subscribe("note:k")
            try await client.subscribe("note:other")
            try await self.stopSecondLoop(of: hub, until: release)
            let answers = Watched(0)
            for number in 1...20 {
                hub.hub.writer.submit(try hub.events([("note:k", "{}")])) { _ in answers.change { $0 += 1 } }
                let entry = TapeEntry(
                    seq: number,
                    id: "o\(number)",
                    time: .now,
                    data: Array("{}".utf8),
                    slot: ""
                )
                bus.deliver([ChannelBatch(channel: ChannelName(type: "note", key: "other"), entries: [entry])])
                for _ in 0..<4 { try await hub.loops[0].settle() }
            }
            release.signal()
            try await answers.wait(for: "20 answers") { $0 == 20 }
            #expect(try await client.events(on: "note:k", through: 20) == Array(1...20))
            #expect(try await client.events(on: "note:other", through: 20) == Array(1...20))
        }
    }

    @Test func eachCommitIsAnnouncedOnceWhetherOrNotAnyoneIsHere() async throws {
        let bus = ScriptedBus()
        try await withHub(bus: bus) { hub in
            try await hub.publish([("note:a", "{}"), ("note:b", "{}"), ("note:a", "{}")])
            let events = try hub.events([("note:a", "{}")])
            _ = try await hub.hub.writer.append(events)
            try await bus.waitForAnnouncements(2)
            let told = bus.announcements.map { $0.map { "\($0.channel) \($0.entries.map(\.seq))" } }
            #expect(told == [["note:a [1, 2]", "note:b [1]"], ["note:a [3]"]])
        }
    }
}
