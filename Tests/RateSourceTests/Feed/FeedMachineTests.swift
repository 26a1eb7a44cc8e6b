// SPDX-License-Identifier: Apache-2.0

import EventLog
import RateSource
import TestSupport
import Testing

struct FeedMachineTests {
    private static func rules(_ messages: Int = 1, probe: String? = "probe") throws -> FeedMachine.Rules {
        var rules = FeedMachine.Rules(try exchange("x"))
        rules.subscriptions = (1...messages).map { "m\($0)" }
        rules.messageInterval = .milliseconds(250)
        rules.probe = probe
        rules.silence = .seconds(10)
        rules.quiet = .seconds(8)
        rules.lifetime = .seconds(1000)
        rules.retry = .milliseconds(500) ... .seconds(30)
        rules.settled = .seconds(60)
        return rules
    }

    /// Connected at 0, subscribed, with a quote at 1.
    private static func open(_ rules: FeedMachine.Rules) -> FeedMachine {
        var machine = FeedMachine(rules: rules)
        #expect(machine.started(at: at(0)) == [.connect(1)])
        #expect(machine.opened(1, at: at(0.5)) == [.send(1, "m1")])
        #expect(machine.received(1, isQuote: true, isLeaving: false, at: at(1)) == [])
        #expect(machine.isOpen)
        return machine
    }

    @Test func connectsSubscribesAndFollows() throws {
        var machine = Self.open(try Self.rules())
        #expect(!machine.isPolling(at: at(1)))
        #expect(machine.deadline == at(6))
        // Nothing more to say while quotes come.
        #expect(machine.received(1, isQuote: true, isLeaving: false, at: at(5)) == [])
        #expect(machine.passed(at: at(9)) == [])
    }

    /// A connection's messages go out one by one; Binance closes who says more than five things a second.
    @Test func subscriptionsArePaced() throws {
        var machine = FeedMachine(rules: try Self.rules(3))
        _ = machine.started(at: at(0))
        #expect(machine.opened(1, at: at(0)) == [.send(1, "m1")])
        #expect(machine.deadline == at(0.25))
        #expect(machine.passed(at: at(0.2)) == [])
        #expect(machine.passed(at: at(0.25)) == [.send(1, "m2")])
        // What comes in between does not make it hurry.
        #expect(machine.received(1, isQuote: false, isLeaving: false, at: at(0.3)) == [])
        #expect(machine.received(1, isQuote: true, isLeaving: false, at: at(0.5)) == [.send(1, "m3")])
        #expect(machine.passed(at: at(0.75)) == [])
    }

    @Test func silentConnectionIsProbedAndGivenUp() throws {
        var machine = Self.open(try Self.rules())
        #expect(machine.passed(at: at(6)) == [.send(1, "probe")])
        #expect(machine.passed(at: at(7)) == [])
        #expect(machine.deadline == at(11))
        var answered = machine
        #expect(answered.received(1, isQuote: false, isLeaving: false, at: at(8)) == [])
        #expect(answered.passed(at: at(11)) == [])
        #expect(answered.passed(at: at(13)) == [.send(1, "probe")])
        #expect(machine.passed(at: at(11), chance: 1) == [.abandon(1)])
        #expect(!machine.isOpen)
        #expect(machine.isPolling(at: at(11)))
        #expect(machine.deadline == at(11.5))
        #expect(machine.passed(at: at(11.5)) == [.connect(2)])
        // REST polling continues until quotes arrive.
        #expect(machine.isPolling(at: at(11.6)))
        #expect(machine.opened(2, at: at(12)) == [.send(2, "m1")])
        #expect(machine.isPolling(at: at(12)))
        #expect(machine.received(2, isQuote: true, isLeaving: false, at: at(12.1)) == [])
        #expect(!machine.isPolling(at: at(12.1)))
    }

    /// Anything up to a limit that doubles; a connection that lasted is no sign of trouble.
    @Test func delaysGrowWithFullJitter() throws {
        var machine = FeedMachine(rules: try Self.rules())
        _ = machine.started(at: at(0))
        var now = at(0)
        var number = 1
        for limit in [0.5, 1, 2, 4, 8, 16, 30, 30, 30] {
            for chance in [0.0, 0.25] {
                var copy = machine
                let actions = copy.ended(number, at: now, chance: chance)
                let until = now.advanced(by: .milliseconds(Int(limit * chance * 1000)))
                if chance == 0 { #expect(actions == [.connect(number + 1)]) } else { #expect(copy.deadline == until) }
            }
            #expect(machine.ended(number, at: now, chance: 1) == [])
            now = try #require(machine.deadline)
            number += 1
            #expect(machine.passed(at: now) == [.connect(number)])
        }
        // Opened and lost at once: the backoff continues.
        _ = machine.opened(number, at: now)
        _ = machine.received(number, isQuote: true, isLeaving: false, at: now)
        _ = machine.ended(number, at: now.advanced(by: .seconds(1)), chance: 1)
        #expect(machine.deadline == now.advanced(by: .seconds(31)))
        now = try #require(machine.deadline)
        number += 1
        #expect(machine.passed(at: now) == [.connect(number)])
        _ = machine.opened(number, at: now)
        _ = machine.received(number, isQuote: true, isLeaving: false, at: now)
        _ = machine.ended(number, at: now.advanced(by: .seconds(61)), chance: 1)
        #expect(machine.deadline == now.advanced(by: .milliseconds(61_500)))
    }

    @Test func exchangeSaysHowLongToStayAway() throws {
        var machine = FeedMachine(rules: try Self.rules())
        _ = machine.started(at: at(0))
        #expect(machine.ended(1, retryAfter: .seconds(120), at: at(1), chance: 0) == [])
        #expect(machine.deadline == at(121))
        #expect(machine.isPolling(at: at(1)))
    }

    /// The 24 hours: another connection takes over before the first one ends.
    @Test func renewsBeforeTheEnd() throws {
        var machine = Self.open(try Self.rules())
        for second in stride(from: 5.0, to: 1000, by: 5) {
            #expect(machine.received(1, isQuote: true, isLeaving: false, at: at(second)) == [])
        }
        #expect(machine.received(1, isQuote: true, isLeaving: false, at: at(1000.5)) == [.connect(2)])
        // The old one serves on.
        #expect(machine.received(1, isQuote: true, isLeaving: false, at: at(1001)) == [])
        #expect(machine.opened(2, at: at(1001)) == [.send(2, "m1")])
        #expect(!machine.isPolling(at: at(1001)))
        #expect(machine.received(2, isQuote: false, isLeaving: false, at: at(1002)) == [])
        #expect(machine.received(2, isQuote: true, isLeaving: false, at: at(1003)) == [.close(1)])
        #expect(machine.ended(1, at: at(1003), chance: 1) == [])
        #expect(machine.isOpen)
        #expect(!machine.isPolling(at: at(1004)))
        // And the new one lives as long.
        #expect(machine.received(2, isQuote: true, isLeaving: false, at: at(1990)) == [])
        #expect(machine.received(2, isQuote: true, isLeaving: false, at: at(2001)) == [.connect(3)])
    }

    @Test func announcedShutdownRenewsAtOnce() throws {
        var machine = Self.open(try Self.rules())
        _ = machine.received(1, isQuote: true, isLeaving: false, at: at(50))
        #expect(machine.received(1, isQuote: false, isLeaving: true, at: at(55)) == [.connect(2)])
        // It does not come about; the old one ends meanwhile.
        #expect(machine.ended(2, at: at(56), chance: 1) == [])
        #expect(machine.isOpen)
        #expect(machine.passed(at: at(56.5)) == [.connect(3)])
        #expect(machine.ended(1, at: at(57), chance: 1) == [])
        #expect(!machine.isOpen)
        #expect(machine.isPolling(at: at(57)))
        #expect(machine.opened(3, at: at(57)) == [.send(3, "m1")])
        #expect(machine.received(3, isQuote: true, isLeaving: false, at: at(58)) == [])
        #expect(machine.isOpen)
    }

    /// One that says so on every new connection is not connected to without end.
    @Test func announcementsInARowAreBounded() throws {
        var machine = Self.open(try Self.rules())
        #expect(machine.received(1, isQuote: false, isLeaving: true, at: at(2)) == [])
        #expect(machine.received(1, isQuote: true, isLeaving: false, at: at(29)) == [])
        #expect(machine.received(1, isQuote: true, isLeaving: false, at: at(30.5)) == [.connect(2)])
    }

    @Test func oldConnectionDiesWhileTheNextOneIsMade() throws {
        var machine = Self.open(try Self.rules(probe: nil))
        _ = machine.received(1, isQuote: true, isLeaving: false, at: at(999))
        #expect(machine.passed(at: at(1001)) == [.connect(2)])
        #expect(machine.passed(at: at(1009), chance: 1) == [.abandon(1)])
        #expect(!machine.isOpen)
        #expect(machine.opened(2, at: at(1009)) == [.send(2, "m1")])
    }

    /// Heartbeats arrive, quotes do not: REST is polled, and if it has newer rates, the connection is unusable.
    @Test func lostSubscriptionIsFoundOut() throws {
        var machine = Self.open(try Self.rules())
        for second in 2...8 { _ = machine.received(1, isQuote: false, isLeaving: false, at: at(Double(second))) }
        #expect(!machine.isPolling(at: at(8.9)))
        #expect(machine.pollingBegins == at(9))
        #expect(machine.isPolling(at: at(9)))
        #expect(machine.polled(isNews: true, at: at(9), chance: 1) == [])
        // These rates were reported already, so the market is quiet.
        #expect(machine.polled(isNews: false, at: at(10), chance: 1) == [])
        #expect(machine.polled(isNews: true, at: at(11), chance: 1) == [])
        #expect(machine.polled(isNews: true, at: at(12), chance: 1) == [.abandon(1)])
        #expect(!machine.isOpen)
    }

    /// It opens and heartbeats come, but never a quote.
    @Test func connectionWithoutQuotesIsGivenUp() throws {
        var machine = FeedMachine(rules: try Self.rules(probe: nil))
        _ = machine.started(at: at(0))
        _ = machine.opened(1, at: at(0))
        for second in 1...29 {
            #expect(machine.received(1, isQuote: false, isLeaving: false, at: at(Double(second))) == [])
        }
        #expect(machine.isPolling(at: at(8)))
        #expect(machine.passed(at: at(30), chance: 1) == [.abandon(1)])
    }

    @Test func strangersAreLeft() throws {
        var machine = Self.open(try Self.rules())
        #expect(machine.opened(7, at: at(2)) == [.abandon(7)])
        #expect(machine.received(7, isQuote: true, isLeaving: true, at: at(2)) == [])
        #expect(machine.ended(7, at: at(2), chance: 1) == [])
        #expect(machine.isOpen)
        #expect(machine.stopped() == [.close(1)])
        #expect(machine.ended(1, at: at(3), chance: 1) == [])
        #expect(machine.deadline == nil)
        #expect(!machine.isPolling(at: at(99)))
    }

    /// For any sequence of events: at most two connections, nothing sent on a closed one, no deadline in the past after
    /// it was handled, and no state without an exit.
    @Test(arguments: 1...20)
    func anythingMayHappen(_ seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        var machine = FeedMachine(rules: try Self.rules(2))
        var now = at(0)
        var (live, open): (Set<Int>, Set<Int>) = ([], [])
        func check(_ actions: [FeedMachine.Action]) {
            for action in actions {
                switch action {
                case .connect(let number): #expect(live.insert(number).inserted)
                case .send(let number, _): #expect(open.contains(number), "said to \(number)")
                case .close(let number), .abandon(let number):
                    #expect(live.remove(number) != nil)
                    open.remove(number)
                }
            }
            #expect(live.count <= 2)
        }
        check(machine.started(at: now))
        for _ in 0..<3000 {
            now = now.advanced(by: .milliseconds(Int.random(in: 0...3000, using: &random)))
            let chance = Double.random(in: 0...1, using: &random)
            let number = live.randomElement(using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                if let number, !open.contains(number) {
                    open.insert(number)
                    check(machine.opened(number, at: now))
                }
            case 1...2:
                if let number, open.contains(number) {
                    let (isQuote, isLeaving) = (
                        Bool.random(using: &random), Int.random(in: 0..<20, using: &random) == 0
                    )
                    check(machine.received(number, isQuote: isQuote, isLeaving: isLeaving, at: now))
                }
            case 3:
                if let number, Int.random(in: 0..<4, using: &random) == 0 {
                    live.remove(number)
                    open.remove(number)
                    check(machine.ended(number, at: now, chance: chance))
                }
            case 4:
                check(machine.polled(isNews: Bool.random(using: &random), at: now, chance: chance))
            default:
                check(machine.passed(at: now, chance: chance))
                if let deadline = machine.deadline { #expect(deadline >= now || !open.isEmpty) }
            }
            // A connection is pending, or the next attempt is scheduled.
            #expect(!live.isEmpty || machine.deadline != nil)
        }
    }
}
