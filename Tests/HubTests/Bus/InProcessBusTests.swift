// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct InProcessBusTests {
    private static func commits(_ number: Int) -> [ChannelBatch] {
        [ChannelBatch(channel: ChannelName(type: "t", key: "k"), entries: ChannelStateTests.entries(number...number))]
    }

    private static func run(_ bus: InProcessBus, into received: Watched<[Int]>) async {
        await bus.run { commits in
            received.change { $0.append(commits.first?.entries.first?.seq ?? -1) }
        }
    }

    /// Announces a number until it arrives: shows that the receiver has come.
    private static func waitFor(_ received: Watched<[Int]>, of sender: InProcessBus) async throws {
        try await eventually("the receiver has come") {
            sender.announce(Self.commits(1))
            return !received.value.isEmpty
        }
    }

    @Test func announcementsReachTheOthersInOrder() async throws {
        let exchange = InProcessBus.Exchange()
        let (one, two) = (InProcessBus(exchange: exchange), InProcessBus(exchange: exchange))
        let (atOne, atTwo) = (Watched<[Int]>([]), Watched<[Int]>([]))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await Self.run(one, into: atOne) }
            group.addTask { await Self.run(two, into: atTwo) }
            try await Self.waitFor(atTwo, of: one)
            for number in 2...50 {
                one.announce(Self.commits(number))
                try await atTwo.wait(for: "\(number)") { $0.last == number }
            }
            group.cancelAll()
        }
        #expect(atTwo.value.drop { $0 == 1 } == ArraySlice(2...50))
        #expect(atOne.value.isEmpty)
    }

    @Test func busOfAnotherExchangeHearsNothing() async throws {
        let exchange = InProcessBus.Exchange()
        let (one, two) = (InProcessBus(exchange: exchange), InProcessBus(exchange: exchange))
        let stranger = InProcessBus()
        let (atTwo, atStranger) = (Watched<[Int]>([]), Watched<[Int]>([]))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await Self.run(two, into: atTwo) }
            group.addTask { await Self.run(stranger, into: atStranger) }
            try await Self.waitFor(atTwo, of: one)
            group.cancelAll()
        }
        #expect(atStranger.value.isEmpty)
    }

    @Test func busyReceiverLosesTheOldest() async throws {
        let exchange = InProcessBus.Exchange()
        let (one, two) = (InProcessBus(exchange: exchange), InProcessBus(exchange: exchange))
        let received = Watched<[Int]>([])
        let gate = Gate()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await two.run { commits in
                    received.change { $0.append(commits.first?.entries.first?.seq ?? -1) }
                    await gate.pass()
                }
            }
            try await Self.waitFor(received, of: one)
            one.announce(Self.commits(2))
            try await received.wait(for: "the second") { $0.last == 2 }
            gate.close()
            one.announce(Self.commits(3))
            try await received.wait(for: "the third") { $0.last == 3 }
            for number in 4...300 { one.announce(Self.commits(number)) }
            gate.open()
            try await received.wait(for: "the last") { $0.last == 300 }
            group.cancelAll()
        }
        let expected = [2, 3] + Array(300 - InProcessBus.backlog + 1...300)
        #expect(Array(received.value.drop { $0 == 1 }) == expected)
    }

    @Test func cancellingEndsTheRun() async throws {
        let bus = InProcessBus()
        let received = Watched<[Int]>([])
        let isOver = Watched(false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await Self.run(bus, into: received)
                isOver.change { $0 = true }
            }
            group.cancelAll()
            try await isOver.wait(for: "the end") { $0 }
        }
        bus.announce(Self.commits(1))
        #expect(received.value.isEmpty)
    }
}
