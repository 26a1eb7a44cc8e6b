// SPDX-License-Identifier: Apache-2.0

/// Content of a message of an exchange.
package enum Incoming: Sendable, Equatable {
    case quote(Quote)
    /// A quote that is rejected.
    case refused(Refusal)
    /// A successful answer, such as a confirmed subscription.
    case acknowledged
    /// A rejected request, with the exchange's message.
    case rejected(String)
    /// Any other sign of life, such as a heartbeat.
    case alive
    /// The exchange will close this connection soon.
    case leaving
}
