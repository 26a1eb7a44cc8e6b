// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import NIOCore
import TestSupport
import Testing

/// Live delivery while others read a long past.
@Suite(.timeLimit(.minutes(1))) struct FairnessTests {
    private static let perTurn = 1_000
    private static let perTick = 4_000
    /// A turn or a tick ends after the run that passed its budget: ten events.
    private static let run = 2_500

    private struct Journal: Sendable {
        /// Replayed so far, to all.
        var replayed = 0
        /// Value of `replayed` when the event that is under way was handed to the loop.
        var asked: Int?
        var published = 0
        /// What was replayed while an event was under way, for each.
        var delays: [Int] = []
    }

    /// No clock: what counts is how much is replayed between an event's arrival at the loop and its leaving.
    @Test func liveEventsPassByAHugeReplay() async throws {
        var configuration = HubConfiguration.forTests
        configuration.shard.replayBytesPerTurn = Self.perTurn
        configuration.shard.replayBytesPerTick = Self.perTick
        try await withHub(configuration) { hub in
            let holder = try await hub.connect()
            try await holder.subscribe("note:past")
            for _ in 0..<60 { try await hub.publish(10, on: "note:past") }
            try await holder.events(on: "note:past", through: 600)
            let live = try await hub.connect()
            try await live.subscribe("note:live")
            let name = try #require(ChannelName(parsing: "note:live"))
            let channel = try #require(await hub.hub.registry.existing(name))
            let shard = hub.hub.shards[0]
            let journal = Watched(Journal())
            live.transport.onFlush { _ in
                journal.change { journal in
                    guard let asked = journal.asked else { return }
                    journal.delays.append(journal.replayed - asked)
                    journal.asked = nil
                }
            }
            var readers: [TestClient] = []
            for _ in 0..<6 {
                let reader = try await hub.connect()
                reader.transport.onFlush { bytes in
                    let next: Int? = journal.change { journal in
                        journal.replayed += bytes
                        guard journal.asked == nil else { return nil }
                        journal.asked = journal.replayed
                        journal.published += 1
                        return journal.published
                    }
                    guard let next else { return }
                    // As a commit of another loop arrives: one task.
                    shard.loop.execute {
                        let event = Event.sample("live-\(next)", on: "live")
                        let entry = TapeEntry(seq: next, event: event)
                        guard let broadcast = channel.assumeIsolated({ $0.publish([entry]) }) else { return }
                        shard.assumeIsolated { $0.deliver(broadcast.localChanges) }
                    }
                }
                readers.append(reader)
            }
            for reader in readers {
                try await reader.send(#"{"op":"subscribe","channel":"note:past","since":0}"#)
            }
            for reader in readers { try await reader.expect(1, "caughtUp") }
            try await hub.settle()
            let result = journal.value
            #expect(hub.tape.log.pages.isEmpty, "the past was not read from memory")
            #expect(result.replayed > 50 * Self.perTick)
            #expect(result.delays.count > 20)
            // The rest of the tick under way, one that was due before the event, one that was due before its flush.
            let bound = 3 * (Self.perTick + Self.perTurn + Self.run)
            #expect(result.delays.allSatisfy { $0 <= bound }, "\(result.delays.max() ?? 0) > \(bound)")
            let last = result.published
            #expect(try await live.events(on: "note:live", through: last) == Array(1...last))
            for reader in readers { #expect(reader.transport.record.events(on: "note:past") == Array(1...600)) }
        }
    }
}
