// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// Schedules REST polling of an exchange's markets within its rate limits.
///
/// A value type: time and randomness are parameters.
package struct PollPlan: Sendable {
    /// Outcome of a request.
    package enum Answer: Sendable, Equatable {
        case good
        /// The exchange rejects this request and would reject it again: one of its markets may not exist.
        case refused
        /// 429, or an equivalent error message.
        case tooMany(after: Duration?)
        /// 418 and 403: the exchange has banned this client for ignoring a 429, or blocks it altogether.
        case banned(after: Duration?)
        /// Any temporary failure.
        case failed(after: Duration?)
        /// This endpoint is unusable, and there is another one.
        case elsewhere
    }

    private static let longest: Duration = .seconds(86_400)

    private let symbols: [String]
    private let interval: Duration
    private let spacing: Duration
    /// Markets of one request.
    package private(set) var size: Int
    private var place = 0
    private var failures = 0
    /// Earliest time of the next request.
    package private(set) var next: Timestamp
    private var roundBegan: Timestamp

    /// - Parameters:
    /// - interval: Time from the start of one round through all markets to the start of the next.
    /// - spacing: Minimum interval between two requests.
    package init(symbols: [String], size: Int, interval: Duration, spacing: Duration, at now: Timestamp) {
        self.symbols = symbols
        self.interval = interval
        self.spacing = spacing
        self.size = max(1, size)
        self.next = now
        self.roundBegan = now
    }

    /// The markets of the next request.
    package var request: [String] {
        Array(self.symbols[self.place..<min(self.place + self.size, self.symbols.count)])
    }

    /// Called when the request is sent.
    package mutating func asked(at now: Timestamp) {
        if self.place == 0 { self.roundBegan = now }
        self.next = now.advanced(by: self.spacing)
    }

    package mutating func answered(_ answer: Answer, at now: Timestamp, chance: Double) {
        switch answer {
        case .good:
            self.failures = 0
            self.advance(at: now)
        case .refused:
            self.failures = 0
            // One by one from now on, so that an unknown market does not block the others.
            if self.size > 1 {
                self.size = 1
                self.place = 0
                self.next = now.advanced(by: self.spacing)
            } else {
                self.advance(at: now)
            }
        case .tooMany(let after):
            self.next = now.advanced(by: min(Self.longest, max(after ?? .seconds(30), .seconds(1))))
        case .banned(let after):
            self.next = now.advanced(by: min(Self.longest, max(after ?? .seconds(300), .seconds(1))))
        case .elsewhere:
            self.next = now.advanced(by: self.spacing)
        case .failed(let after):
            let limit = min(.seconds(30), max(self.interval, .milliseconds(250)) * (1 << min(self.failures, 10)))
            self.failures += 1
            self.next = now.advanced(
                by: max(self.spacing, after ?? .zero, limit * (0.5 + min(1, max(0, chance)) / 2))
            )
        }
    }

    private mutating func advance(at now: Timestamp) {
        self.place += self.size
        if self.place >= self.symbols.count {
            self.place = 0
            self.next = max(now.advanced(by: self.spacing), self.roundBegan.advanced(by: self.interval))
        } else {
            self.next = now.advanced(by: self.spacing)
        }
    }
}
