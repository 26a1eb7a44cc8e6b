// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import NIOCore
import TestSupport
import Testing

/// Several sessions on two loops, random publishing and random trouble: at the end everyone has what the rule promises.
@Suite(.timeLimit(.minutes(2))) struct RandomSessionsTests {
    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func everyoneGetsWhatWasPromised(seed: UInt64) async throws {
        var dice = SplitMix(seed: seed)
        var configuration = HubConfiguration.forTests
        configuration.page = PageLimit(entries: Int.random(in: 1...20, using: &dice), bytes: 1 << 16)
        configuration.ringBytes = [0, 5_000, 1 << 20].randomElement(using: &dice) ?? 0
        configuration.shard.replayBytesPerTurn = Int.random(in: 100...5_000, using: &dice)
        configuration.shard.replayBytesPerTick = 10_000
        let tape = MemoryTape()
        try await withHub(configuration, tape: tape, loops: 2) { hub in
            var actors: [RandomClient] = []
            var gone: [RandomClient] = []
            for index in 0..<6 {
                actors.append(RandomClient(client: try await hub.connect(on: index % 2)))
            }
            for _ in 0..<250 {
                let index = Int.random(in: 0..<actors.count, using: &dice)
                switch Int.random(in: 0..<20, using: &dice) {
                case 0..<10:
                    try await Self.publish(on: hub, &dice)
                case 10..<14:
                    let channel = RandomClient.channels.randomElement(using: &dice) ?? ""
                    try await actors[index].toggleSubscription(of: channel, &dice)
                case 14..<18:
                    try await actors[index].setRoom(&dice)
                case 18:
                    await actors[index].leave()
                    gone.append(actors[index])
                    let client = try await hub.connect(on: index % 2)
                    actors[index] = RandomClient(client: client, cursors: actors[index].cursors)
                default:
                    hub.tape.fail(.page, .before(.unavailable("sometimes")))
                }
            }
            var heads: [String: Int] = [:]
            for channel in RandomClient.channels {
                heads[channel] = try await hub.publish(channel, #"{"currency":"LAST"}"#)
            }
            for actor in actors {
                try await actor.client.becomeWritable()
                try await eventually("everyone has read the end") {
                    await hub.tick()
                    return actor.isAtTheEnd(heads)
                }
                try actor.checkSequences(heads)
                try actor.checkSlots(try await Self.slots(of: tape))
            }
            for client in gone { try client.checkSequences(nil) }
        }
    }

    private static func publish(on hub: TestHub, _ dice: inout SplitMix) async throws {
        let count = Int.random(in: 1...8, using: &dice)
        let events = (0..<count).map { _ in
            let channel = RandomClient.channels.randomElement(using: &dice) ?? ""
            let currency = ["USD", "EUR", "GBP"].randomElement(using: &dice) ?? ""
            let padding = String(repeating: "x", count: Int.random(in: 0...2_000, using: &dice))
            return (channel, #"{"currency":"\#(currency)","padding":"\#(padding)"}"#)
        }
        try await hub.publish(events)
    }

    /// The slot of every event of every channel, from the tape.
    private static func slots(of tape: MemoryTape) async throws -> [String: [String]] {
        var slots: [String: [String]] = [:]
        for channel in RandomClient.channels {
            let name = try #require(ChannelName(parsing: channel))
            let limit = PageLimit(entries: 100_000, bytes: 1 << 30)
            slots[channel] = try await tape.page(of: name, after: 0, limit: limit).entries.map(\.slot)
        }
        return slots
    }
}
