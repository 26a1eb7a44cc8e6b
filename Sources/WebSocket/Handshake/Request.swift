// SPDX-License-Identifier: Apache-2.0

/// A client's opening handshake that was found to be valid, RFC 6455 §4.2.1.
package struct Request: Sendable, Hashable {
    /// The path as sent, with its percent escapes; it starts with a slash.
    package let path: String
    /// What follows the question mark as sent, `nil` where there is none.
    package let query: String?
    /// Every header field.
    package let fields: HeaderFields
    /// `Host`: the name, and the port if it is not the default, that the client thinks it talks to.
    package let host: String
    /// `Sec-WebSocket-Key`: 16 random bytes in base64.
    package let key: String
    /// Subprotocols the client can speak, in its order of preference.
    package let subprotocols: [String]
    /// Extensions the client offers, in its order of preference.
    package let extensions: [ExtensionOffer]

    /// `Origin`: the page a browser opened the connection from.
    ///
    /// Absent from clients that are not browsers.
    package var origin: String? { fields["origin"] }

    /// The value of `Sec-WebSocket-Accept` that answers the request.
    package var acceptKey: String { AcceptKey.answer(to: key) }

    /// Returns the client's most preferred subprotocol among those the server speaks.
    package func preferredSubprotocol(among supported: [String]) -> String? {
        subprotocols.first(where: supported.contains)
    }
}
