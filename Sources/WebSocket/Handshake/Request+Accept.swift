// SPDX-License-Identifier: Apache-2.0

package import NIOCore

extension Request {
    /// Accepts the request (RFC 6455 §4.2.2).
    ///
    /// - Parameters:
    ///   - subprotocol: Ignored unless the client offered it, as the client would have to fail the connection.
    ///   - extensions: The value of `Sec-WebSocket-Extensions`.
    ///   - fields: Further header fields.
    /// - Returns: The response, `101 Switching Protocols`.
    package func accept(
        subprotocol: String? = nil,
        extensions: String? = nil,
        fields: [(name: String, value: String)] = []
    ) -> ByteBuffer {
        var all: [(name: String, value: String)] = [
            ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", acceptKey),
        ]
        if let subprotocol, subprotocols.contains(subprotocol) {
            all.append(("Sec-WebSocket-Protocol", subprotocol))
        }
        if let extensions {
            all.append(("Sec-WebSocket-Extensions", extensions))
        }
        return ByteBuffer(startLine: "HTTP/1.1 101 Switching Protocols", fields: all + fields)
    }
}
