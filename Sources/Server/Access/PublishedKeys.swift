// SPDX-License-Identifier: Apache-2.0

import EventLog
package import Logging
import Synchronization

/// The keys that an issuer publishes: a JSON Web Key Set at a URL, kept fresh by ``run()``.
///
/// A set is fetched again before it is out of date, as far as its `Cache-Control` says, within bounds. A token with an
/// unknown `kid` has it fetched at once, so that keys can be exchanged without anyone waiting, but not more often than
/// ``Limits/leastInterval`` allows. While it cannot be fetched the old keys serve, for ``Limits/stale`` at most; then,
/// and before the first set has come, tokens that need them are refused as unavailable.
package final class PublishedKeys: Sendable {
    package struct Limits: Sendable {
        /// How long a set counts as fresh, whatever it says itself.
        package var freshness: ClosedRange<Duration> = .seconds(60) ... .seconds(86_400)
        /// For a set that says nothing.
        package var usualFreshness: Duration = .seconds(600)
        /// Between two fetches that unknown keys cause.
        package var leastInterval: Duration = .seconds(10)
        /// How long past its freshness a set serves while it cannot be fetched.
        package var stale: Duration = .seconds(86_400)
        /// Between attempts that fail.
        package var backoff: ClosedRange<Duration> = .seconds(1) ... .seconds(60)

        package init() {}
    }

    /// A set as it came, and for how long it said it is good.
    package struct Response: Sendable {
        package var body: [UInt8]
        package var maxAge: Duration?

        package init(body: [UInt8], maxAge: Duration?) {
            self.body = body
            self.maxAge = maxAge
        }
    }

    /// Gets the set; to give up by itself in reasonable time.
    package typealias Fetch = @Sendable () async throws -> Response

    /// What there is at a moment.
    struct Present {
        var keys: [VerificationKey]
        /// Whether the set came, and is not too old.
        var isUsable: Bool
    }

    package struct Tally: Sendable, Equatable {
        package var fetches = 0
        package var failures = 0
        package var keys = 0
        package var isUsable = false
    }

    private struct State {
        var keys: [VerificationKey] = []
        var usableUntil: ContinuousClock.Instant?
        var lastAttempt: ContinuousClock.Instant?
        var isRunning = false
        /// Whether somebody wants the set sooner than planned.
        var isWanted = false
        var waiters: [CheckedContinuation<Void, Never>] = []
        var fetches = 0
        var failures = 0
    }

    private let limits: Limits
    private let fetch: Fetch
    private let logger: Logger
    private let state = Mutex(State())
    private let alarm = Alarm()

    package init(limits: Limits = Limits(), logger: Logger, fetch: @escaping Fetch) {
        self.limits = limits
        self.logger = logger
        self.fetch = fetch
    }

    // MARK: - For tokens

    var present: Present {
        self.state.withLock { self.present($0, now: .now) }
    }

    /// Whether tokens can be checked with the published keys.
    package var isUsable: Bool {
        self.present.isUsable
    }

    package var tally: Tally {
        self.state.withLock { state in
            let present = self.present(state, now: .now)
            return Tally(
                fetches: state.fetches,
                failures: state.failures,
                keys: present.keys.count,
                isUsable: present.isUsable
            )
        }
    }

    private func present(_ state: State, now: ContinuousClock.Instant) -> Present {
        guard let until = state.usableUntil, now < until else { return Present(keys: [], isUsable: false) }
        return Present(keys: state.keys, isUsable: true)
    }

    /// Whether a fetch may bring the key of a token that no present key fits. A token without `kid` causes none: what
    /// it needs cannot be told.
    func mayBeFetched(for keyID: String?) -> Bool {
        self.state.withLock { state in
            guard state.isRunning else { return false }
            guard self.present(state, now: .now).isUsable else { return state.lastAttempt == nil || state.isWanted }
            guard keyID != nil else { return false }
            return state.isWanted || state.lastAttempt.map { .now >= $0 + self.limits.leastInterval } ?? true
        }
    }

    /// Has the set fetched soon and waits for the outcome.
    /// - Returns: What there is then, the same as before where the set could not be had.
    func fetched() async -> Present {
        enum Outcome {
            case over
            /// A fetch is under way, or is about to be.
            case wanted
            case newlyWanted
        }
        await withCheckedContinuation { continuation in
            let outcome = self.state.withLock { state -> Outcome in
                guard state.isRunning else { return .over }
                // Somebody else's fetch may have ended since the caller asked whether there may be one.
                let isTooSoon = state.lastAttempt.map { .now < $0 + self.limits.leastInterval } ?? false
                guard state.isWanted || !isTooSoon else { return .over }
                state.waiters.append(continuation)
                defer { state.isWanted = true }
                return state.isWanted ? .wanted : .newlyWanted
            }
            switch outcome {
            case .over: continuation.resume()
            case .wanted: break
            case .newlyWanted: self.alarm.ring()
            }
        }
        return self.present
    }

    // MARK: - Fetching

    /// Keeps the set fresh until the task is cancelled.
    package func run() async {
        self.state.withLock { $0.isRunning = true }
        var backoff = Backoff(self.limits.backoff)
        while !Task.isCancelled {
            let pause: Duration
            if let freshness = await self.renew() {
                backoff.reset()
                // Before it is out of date, and not at the same moment as the other nodes.
                pause = freshness * Double.random(in: 0.7...0.8)
            } else {
                pause = backoff.delay()
            }
            await self.alarm.sleep(for: pause)
        }
        let waiters = self.state.withLock { state in
            state.isRunning = false
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// - Returns: For how long the new set is fresh; nil when there is none.
    private func renew() async -> Duration? {
        self.state.withLock { state in
            state.lastAttempt = .now
            state.isWanted = true
        }
        let result: Result<(keys: KeySet, freshness: Duration), any Error>
        do {
            let response = try await self.fetch()
            let bounds = self.limits.freshness
            let wanted = response.maxAge ?? self.limits.usualFreshness
            result = .success(
                (try await KeySet(jwks: response.body), min(max(wanted, bounds.lowerBound), bounds.upperBound))
            )
        } catch {
            result = .failure(error)
        }
        let (waiters, isUsable) = self.state.withLock { state in
            state.isWanted = false
            state.fetches += 1
            switch result {
            case .success(let (set, freshness)):
                state.keys = set.keys
                state.usableUntil = .now + freshness + self.limits.stale
            case .failure:
                state.failures += 1
            }
            defer { state.waiters = [] }
            return (state.waiters, self.present(state, now: .now).isUsable)
        }
        for waiter in waiters { waiter.resume() }
        switch result {
        case .success(let (set, freshness)):
            self.logger.debug("token keys", metadata: ["keys": "\(set.keys.count)", "fresh": "\(freshness)"])
            if let reason = set.unfit.first {
                self.logger.warning(
                    "keys of the tokens' issuer are left out",
                    metadata: ["reason": "\(reason)", "keys": "\(set.unfit.count)"]
                )
            }
            return freshness
        case .failure(let error):
            guard !Task.isCancelled else { return nil }
            self.logger.warning(
                "the keys of the tokens' issuer cannot be had",
                metadata: ["error": "\(error)", "old-keys-serve": "\(isUsable)"]
            )
            return nil
        }
    }
}
