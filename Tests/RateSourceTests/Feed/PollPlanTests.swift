// SPDX-License-Identifier: Apache-2.0

import EventLog
import RateSource
import Testing

struct PollPlanTests {
    private static func plan(_ count: Int = 5, size: Int = 2) -> PollPlan {
        PollPlan(
            symbols: (1...count).map { "S\($0)" },
            size: size,
            interval: .seconds(2),
            spacing: .milliseconds(200),
            at: at(0)
        )
    }

    @Test func asksForAllInTurn() {
        var plan = Self.plan()
        var asked: [[String]] = []
        for (request, next) in [(0.0, 0.2), (0.2, 0.4), (0.4, 2.0)] {
            asked.append(plan.request)
            plan.asked(at: at(request))
            plan.answered(.good, at: at(request), chance: 0.5)
            #expect(plan.next == at(next))
        }
        #expect(asked == [["S1", "S2"], ["S3", "S4"], ["S5"]])
        #expect(plan.request == ["S1", "S2"])
    }

    /// One market that is none does not keep the others away.
    @Test func asksOneByOneOnceRefused() {
        var plan = Self.plan(3, size: 3)
        plan.asked(at: at(0))
        plan.answered(.refused, at: at(0), chance: 0)
        var asked: [String] = []
        for round in 1...4 {
            asked += plan.request
            plan.asked(at: plan.next)
            plan.answered(round == 2 ? .refused : .good, at: plan.next, chance: 0)
        }
        #expect(asked == ["S1", "S2", "S3", "S1"])
    }

    @Test(arguments: [
        (PollPlan.Answer.tooMany(after: .seconds(7)), 7.0), (.tooMany(after: nil), 30), (.tooMany(after: .zero), 1),
        (.banned(after: .seconds(900)), 900), (.banned(after: nil), 300), (.banned(after: .seconds(1 << 40)), 86_400),
        (.failed(after: .seconds(9)), 9), (.failed(after: nil), 2), (.good, 0.2), (.refused, 0.2),
    ])
    func waitsAsLongAsItIsTold(_ answer: PollPlan.Answer, _ seconds: Double) {
        var plan = Self.plan()
        plan.asked(at: at(100))
        plan.answered(answer, at: at(100), chance: 1)
        #expect(plan.next == at(100 + seconds))
    }

    @Test func failuresSlowDown() {
        var plan = Self.plan()
        var waits: [Double] = []
        for _ in 0..<7 {
            plan.asked(at: at(0))
            plan.answered(.failed(after: nil), at: at(0), chance: 0)
            waits.append(plan.next.duration(since: at(0)) / .seconds(1))
        }
        #expect(waits == [1, 2, 4, 8, 15, 15, 15])
        plan.answered(.good, at: at(0), chance: 0)
        plan.answered(.failed(after: nil), at: at(0), chance: 0)
        #expect(plan.next == at(1))
    }

    /// As long as the exchanges' documents allow.
    @Test func requestsKeepToLimits() throws {
        for dialect in Dialect.allCases {
            let exchange = try exchange("x", dialect, ["BTC/USDT", "ETH/USDT"])
            #expect(FeedMachine.Rules(exchange).messageInterval >= .milliseconds(200))
            #expect(FeedMachine.Rules(exchange).lifetime == (dialect == .binance ? .seconds(84_600) : nil))
        }
    }
}
