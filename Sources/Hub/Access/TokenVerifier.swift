// SPDX-License-Identifier: Apache-2.0

/// Turns a token into who it belongs to.
package struct TokenVerifier: Sendable {
    /// Called on event loops and any other task: must not block.
    package let verdict: @Sendable (_ token: String) -> TokenVerdict
    /// Whether tokens can be verified at all. A node whose keys are not there yet takes no clients.
    package let isReady: @Sendable () -> Bool

    package init(
        isReady: @escaping @Sendable () -> Bool = { true },
        verdict: @escaping @Sendable (_ token: String) -> TokenVerdict
    ) {
        self.isReady = isReady
        self.verdict = verdict
    }
}

/// What is known of a token at once.
package enum TokenVerdict: Sendable {
    case settled(Result<Principal, TokenFault>)
    /// Something has to be fetched first; to be called once.
    case pending(@Sendable () async -> Result<Principal, TokenFault>)
}

/// Why a token was refused.
package enum TokenFault: Error, Sendable, Equatable {
    case expired
    case revoked
    /// Malformed, wrongly signed, or without what a token needs; the text may be shown to its sender.
    case invalid(String)
    /// It cannot be verified now, and may be good; the text may be shown to its sender.
    case unavailable(String)
}
