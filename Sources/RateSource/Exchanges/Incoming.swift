// SPDX-License-Identifier: Apache-2.0

/// What a message of an exchange says.
package enum Incoming: Sendable, Equatable {
    case quote(Quote)
    /// A quote that is not used.
    case refused(Refusal)
    /// A request is answered: so is a subscription that was granted.
    case acknowledged
    /// A request is refused; the text is the exchange's.
    case rejected(String)
    /// Something else that shows that the exchange is there, such as a heartbeat.
    case alive
    /// The exchange will close this connection soon.
    case leaving
}
