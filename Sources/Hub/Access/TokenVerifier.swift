// SPDX-License-Identifier: Apache-2.0

/// Verifies a token and returns its owner.
package struct TokenVerifier: Sendable {
    /// Called on event loops and in other tasks: must not block.
    package let verdict: @Sendable (_ token: String) -> TokenVerdict
    /// Whether tokens can be verified at all. A node whose keys are not loaded yet accepts no clients.
    package let isReady: @Sendable () -> Bool

    package init(
        isReady: @escaping @Sendable () -> Bool = { true },
        verdict: @escaping @Sendable (_ token: String) -> TokenVerdict
    ) {
        self.isReady = isReady
        self.verdict = verdict
    }
}

/// The result of verifying a token, as far as it is available immediately.
package enum TokenVerdict: Sendable {
    case settled(Result<Principal, TokenFault>)
    /// Something has to be fetched first. The closure is called once.
    case pending(@Sendable () async -> Result<Principal, TokenFault>)
}

/// Why a token was rejected.
package enum TokenFault: Error, Sendable, Equatable {
    case expired
    case revoked
    /// Malformed, wrongly signed, or without a required claim. The text may be shown to the sender.
    case invalid(String)
    /// It cannot be verified now, but may be valid. The text may be shown to the sender.
    case unavailable(String)
}
