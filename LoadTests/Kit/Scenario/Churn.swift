// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore

/// Subscribers that come and go: they close their connection, or give up a channel, and resume a little later.
package struct Churn: Sendable {
    /// Goings per second, of all subscribers together.
    package var rate: Double

    /// How long one is gone, in milliseconds.
    private static let absence: ClosedRange<Int64> = 20...500

    /// Creates it.
    package init(rate: Double) {
        self.rate = rate
    }

    /// Begins: half of the goings are from the connection, half from one channel.
    func begin(_ stage: Stage) async throws {
        let period = TimeAmount.nanoseconds(
            Int64(clamping: 1e9 / self.rate * Double(stage.crews.count), to: 1...Int64.max)
        )
        for crew in stage.crews {
            try await crew.ask { crew in
                crew.churn(every: period, absence: Self.absence)
            }
        }
    }

    /// Ends, and calls everybody back.
    /// - Returns: How many goings there were.
    func end(_ stage: Stage) async throws -> Int {
        var count = 0
        for crew in stage.crews { count += try await crew.ask { $0.endChurn() } }
        return count
    }
}

extension Crew {
    fileprivate func churn(every period: TimeAmount, absence: ClosedRange<Int64>) {
        let crew = NIOLoopBound(self, eventLoop: self.loop)
        self.churning = self.loop.scheduleRepeatedTask(initialDelay: period, delay: period) { _ in
            crew.value.sendOneAway(absence)
        }
    }

    private func sendOneAway(_ absence: ClosedRange<Int64>) {
        guard let member = self.members.randomElement(), member.isFollowing, !member.isAway else { return }
        self.churned += 1
        let delay = TimeAmount.milliseconds(.random(in: absence))
        if Bool.random() {
            member.goAway()
            self.loop.assumeIsolated().scheduleTask(in: delay) { member.comeBack() }
        } else if let channel = self.ledger.channelsOf(member.subscriber).randomElement() {
            member.unsubscribe(from: channel)
            self.loop.assumeIsolated().scheduleTask(in: delay) { member.resubscribe() }
        }
    }

    fileprivate func endChurn() -> Int {
        self.churning?.cancel()
        for member in self.members {
            member.comeBack()
            member.resubscribe()
        }
        return self.churned
    }
}
