// SPDX-License-Identifier: Apache-2.0

import EventLog
package import Logging
import Synchronization

/// Keys that an issuer publishes as a JSON Web Key Set at a URL, refreshed by ``run()``.
///
/// A set is refreshed before it expires according to its `Cache-Control`, within bounds. A token with an unknown `kid`
/// triggers a fetch, so that keys can be rotated without delay, but at most once per ``Limits/leastInterval``. While
/// fetches fail, the old keys stay in use, for at most ``Limits/stale``. After that, and before the first set arrives,
/// tokens that need these keys are refused as unavailable.
package final class PublishedKeys: Sendable {
    package struct Limits: Sendable {
        /// Bounds of a set's freshness, whatever its `Cache-Control`.
        package var freshness: ClosedRange<Duration> = .seconds(60) ... .seconds(86_400)
        /// Freshness of a set without `Cache-Control`.
        package var usualFreshness: Duration = .seconds(600)
        /// Minimum interval between fetches triggered by unknown keys.
        package var leastInterval: Duration = .seconds(10)
        /// How long an expired set stays in use while fetches fail.
        package var stale: Duration = .seconds(86_400)
        /// Interval between failing attempts.
        package var backoff: ClosedRange<Duration> = .seconds(1) ... .seconds(60)

        package init() {}
    }

    /// A fetched set and its declared freshness.
    package struct Response: Sendable {
        package var body: [UInt8]
        package var maxAge: Duration?

        package init(body: [UInt8], maxAge: Duration?) {
            self.body = body
            self.maxAge = maxAge
        }
    }

    /// Fetches the set; must time out by itself.
    package typealias Fetch = @Sendable () async throws -> Response

    /// The current keys.
    struct Present {
        var keys: [VerificationKey]
        /// Whether a set has been fetched and is not too old.
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
        /// Whether an earlier fetch is requested.
        var isWanted = false
        var waiters: [CheckedContinuation<Void, Never>] = []
        var fetches = 0
        var failures = 0
    }

    private let limits: Limits
    private let fetch: Fetch
    private let logger: Logger
    private let state = Mutex(State())
    private let wakeSignal = WakeSignal()

    package init(limits: Limits = Limits(), logger: Logger, fetch: @escaping Fetch) {
        self.limits = limits
        self.logger = logger
        self.fetch = fetch
    }

    // MARK: - Lookup

    var present: Present {
        self.state.withLock { self.present($0, now: .now) }
    }

    /// Whether tokens can be verified with the published keys.
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

    /// Whether a fetch may find the key of a token that no current key matches. A token without `kid` triggers none,
    /// because its key is not known.
    func mayBeFetched(for keyID: String?) -> Bool {
        self.state.withLock { state in
            guard state.isRunning else { return false }
            guard self.present(state, now: .now).isUsable else { return state.lastAttempt == nil || state.isWanted }
            guard keyID != nil else { return false }
            return state.isWanted || state.lastAttempt.map { .now >= $0 + self.limits.leastInterval } ?? true
        }
    }

    /// Requests a fetch and waits for its result.
    /// - Returns: The keys after the fetch; unchanged if it failed.
    func fetched() async -> Present {
        enum Outcome {
            case over
            /// A fetch is in progress or about to start.
            case wanted
            case newlyWanted
        }
        await withCheckedContinuation { continuation in
            let outcome = self.state.withLock { state -> Outcome in
                guard state.isRunning else { return .over }
                // Another fetch may have ended since the caller's check.
                let isTooSoon = state.lastAttempt.map { .now < $0 + self.limits.leastInterval } ?? false
                guard state.isWanted || !isTooSoon else { return .over }
                state.waiters.append(continuation)
                defer { state.isWanted = true }
                return state.isWanted ? .wanted : .newlyWanted
            }
            switch outcome {
            case .over: continuation.resume()
            case .wanted: break
            case .newlyWanted: self.wakeSignal.signal()
            }
        }
        return self.present
    }

    // MARK: - Fetching

    /// Refreshes the set until the task is cancelled.
    package func run() async {
        self.state.withLock { $0.isRunning = true }
        var backoff = Backoff(self.limits.backoff)
        while !Task.isCancelled {
            let pause: Duration
            if let freshness = await self.renew() {
                backoff.reset()
                // Before it expires, and not at the same moment as other nodes.
                pause = freshness * Double.random(in: 0.7...0.8)
            } else {
                pause = backoff.delay()
            }
            await self.wakeSignal.sleep(for: pause)
        }
        let waiters = self.state.withLock { state in
            state.isRunning = false
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// - Returns: Freshness of the new set; nil if the fetch failed.
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
                    "token keys ignored",
                    metadata: ["reason": "\(reason)", "keys": "\(set.unfit.count)"]
                )
            }
            return freshness
        case .failure(let error):
            guard !Task.isCancelled else { return nil }
            self.logger.warning(
                "token keys cannot be fetched",
                metadata: ["error": "\(error)", "old-keys-serve": "\(isUsable)"]
            )
            return nil
        }
    }
}
