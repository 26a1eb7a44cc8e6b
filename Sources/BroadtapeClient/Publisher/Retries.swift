// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// When a publisher sends the same events again.
///
/// A value: time and randomness are arguments.
public struct Retries: Sendable, Equatable {
    /// How long after the first attempt another one may begin.
    public var patience: Duration
    /// How long to wait between attempts, where the hub does not say.
    ///
    /// `stableAfter` is not used.
    public var backoff: Backoff
    /// How long to wait for an answer.
    public var timeout: Duration

    /// Creates a policy; `patience: .zero` never tries again.
    public init(
        patience: Duration = .seconds(30),
        backoff: Backoff = Backoff(base: .milliseconds(200), cap: .seconds(5)),
        timeout: Duration = .seconds(30)
    ) {
        self.patience = patience
        self.backoff = backoff
        self.timeout = timeout
    }

    enum OnFailure: Sendable, Equatable {
        /// Send the same events again after this time.
        case wait(TimeAmount)
        /// Report to the caller.
        case giveUp
    }

    /// Whether and when to try again.
    /// - Parameters:
    ///   - error: What the last attempt ended with.
    ///   - attempts: How many there were.
    ///   - elapsed: Since the first attempt began.
    ///   - random: Uniformly random from 0 to 1.
    func failed(_ error: PublishError, attempts: Int, elapsed: TimeAmount, random: Double) -> OnFailure {
        var least = TimeAmount.zero
        switch error {
        case .problem(let problem):
            guard [429, 502, 503, 504].contains(problem.status) else { return .giveUp }
            least = .seconds(Int64(clamping: min(max(problem.retryAfter ?? 0, 0), 86_400)))
        case .unreachable:
            break
        case .unexpectedAnswer, .noToken, .cancelled:
            return .giveUp
        }
        let delay = max(least, self.backoff.delay(failures: attempts, random: random))
        return elapsed + delay <= TimeAmount(self.patience) ? .wait(delay) : .giveUp
    }
}
