// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Logging
import NIOCore

/// Authentication and revocations.
extension Hub {
    // MARK: - Tokens

    /// Verifies a token; synchronous unless something has to be fetched first. Revoked tokens are rejected.
    package func verdict(on token: String) -> TokenVerdict {
        switch self.verifier.verdict(token) {
        case .settled(let result): .settled(self.unlessRevoked(result))
        case .pending(let work): .pending { self.unlessRevoked(await work()) }
        }
    }

    /// Returns the principal that a token belongs to.
    package func principal(of token: String) async throws(TokenFault) -> Principal {
        let result =
            switch self.verdict(on: token) {
            case .settled(let result): result
            case .pending(let work): await work()
            }
        if case .failure(let fault) = result { self.refused(fault) }
        return try result.get()
    }

    package func unlessRevoked(_ result: Result<Principal, TokenFault>) -> Result<Principal, TokenFault> {
        guard case .success(let principal) = result, self.revocations.list.holds(principal, now: .now) else {
            return result
        }
        return .failure(.revoked)
    }

    // MARK: - Revocations

    /// Reads the existing revocations. Must be called before the first client is accepted.
    package func loadRevocations() async throws(TapeFault) {
        _ = try await self.revocations.refresh()
    }

    /// Revokes access on every node, durably: from now on, matching tokens are rejected and their sessions are closed.
    package func revoke(_ revocations: [Revocation]) async throws(TapeFault) {
        // Also if it is not known whether the revocation was stored.
        defer { self.revocations.wakeSignal.signal() }
        try await self.revocations.add(revocations)
        self.endRevokedSessions()
        self.bus.announceRevocations()
    }

    /// Removes a revocation.
    /// - Returns: Whether it existed.
    package func lift(_ target: Revocation.Target) async throws(TapeFault) -> Bool {
        let wasThere = try await self.revocations.lift(target, at: .now)
        self.bus.announceRevocations()
        return wasThere
    }

    /// Applies revocations of other nodes until the task is cancelled: when the bus announces one, and periodically.
    func watchRevocations() async {
        var log = LogThrottle()
        var isBehind = true
        while !Task.isCancelled {
            do throws(TapeFault) {
                // Revocations may have been read before the sessions existed, so the first pass checks them all.
                if try await self.revocations.refresh() || isBehind { self.endRevokedSessions() }
                isBehind = false
            } catch {
                isBehind = true
                if let failures = log.happened(at: .now) {
                    self.logger.warning(
                        "revocations of other nodes cannot be read",
                        metadata: ["fault": "\(error)", "failures": "\(failures)"]
                    )
                }
            }
            let mustPoll = self.revocations.areShared || isBehind
            await self.revocations.wakeSignal.sleep(for: mustPoll ? self.configuration.revocationPoll : .seconds(3600))
        }
    }

    private func endRevokedSessions() {
        let list = self.revocations.list
        for shard in self.shards {
            shard.loop.execute {
                shard.assumeIsolated { $0.endSessions(revokedBy: list) }
            }
        }
    }

    func forgetRevocations(now: Timestamp) async {
        do throws(TapeFault) {
            try await self.revocations.forget(endedBefore: now)
        } catch {
            self.logger.debug("ended revocations could not be removed", metadata: ["fault": "\(error)"])
        }
    }
}

extension TokenFault {
    /// The error that is reported to the client.
    package var summary: (code: ErrorCode, message: String) {
        switch self {
        case .expired: (.tokenExpired, "the token has expired")
        case .revoked: (.revoked, "the token was revoked; log in again")
        case .invalid(let why): (.badToken, why)
        case .unavailable(let why): (.unavailable, why)
        }
    }

    /// The reason for closing a connection that has no valid token.
    var closeReason: CloseReason {
        switch self {
        case .expired: .tokenExpired
        case .revoked: .revoked
        case .invalid: .notAuthenticated("bad token")
        case .unavailable: .overloaded
        }
    }
}
