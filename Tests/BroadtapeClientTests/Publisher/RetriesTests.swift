// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import BroadtapeClient

struct RetriesTests {
    private let retries = Retries(patience: .seconds(10))

    private func problem(_ status: Int, retryAfter: Int? = nil) -> PublishError {
        .problem(Problem(status: status, retryAfter: retryAfter))
    }

    @Test(arguments: [429, 502, 503, 504])
    func passingTroubleIsTriedAgain(status: Int) {
        let outcome = self.retries.failed(self.problem(status), attempts: 1, elapsed: .zero, random: 1)
        #expect(outcome == .wait(.milliseconds(200)))
    }

    @Test(arguments: [400, 401, 403, 404, 409, 413, 415, 422, 500])
    func refusalsAreFinal(status: Int) {
        #expect(self.retries.failed(self.problem(status), attempts: 1, elapsed: .zero, random: 1) == .giveUp)
    }

    @Test(arguments: [
        PublishError.unexpectedAnswer(status: 200, excerpt: ""), .noToken("x"), .cancelled,
    ])
    func whatWillNotPassIsFinal(_ error: PublishError) {
        #expect(self.retries.failed(error, attempts: 1, elapsed: .zero, random: 1) == .giveUp)
    }

    @Test func retryAfterIsTheLeastToWait() {
        let outcome = self.retries.failed(self.problem(503, retryAfter: 3), attempts: 1, elapsed: .zero, random: 0)
        #expect(outcome == .wait(.seconds(3)))
    }

    @Test func patienceEnds() {
        let error = PublishError.unreachable("x", attempts: 3)
        let almost = TimeAmount.milliseconds(9_800)
        #expect(self.retries.failed(error, attempts: 1, elapsed: almost, random: 1) == .wait(.milliseconds(200)))
        #expect(self.retries.failed(error, attempts: 2, elapsed: almost, random: 1) == .giveUp)
        let patient = self.problem(503, retryAfter: 11)
        #expect(self.retries.failed(patient, attempts: 1, elapsed: .zero, random: 1) == .giveUp)
        let once = Retries(patience: .zero)
        #expect(once.failed(error, attempts: 1, elapsed: .milliseconds(1), random: 1) == .giveUp)
    }
}
