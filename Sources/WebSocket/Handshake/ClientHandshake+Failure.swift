// SPDX-License-Identifier: Apache-2.0

package import NIOCore

extension ClientHandshake {
    /// Why a client does not regard the connection as open.
    package enum Failure: Error, Hashable {
        /// Not the head of an HTTP/1.1 response.
        case head(HeadFault)
        /// Not `HTTP/1.1 status reason`.
        case malformedStatusLine
        /// The server answered with another status. `body` is what of the body came along with the head.
        case rejected(status: Int, reason: String, fields: HeaderFields, body: ByteBuffer)
        /// `Upgrade` is absent or not `websocket`.
        case upgrade
        /// `Connection` does not name `Upgrade`.
        case connection
        /// `Sec-WebSocket-Accept` is absent or does not answer our key.
        case acceptKey
        /// A subprotocol that was not offered.
        case subprotocol(String)
        /// An extension that was not offered.
        case `extension`(String)
        /// A field that must occur once occurs more often.
        case repeated(field: String)
        /// A field whose value breaks its grammar.
        case malformed(field: String)
    }
}

extension ClientHandshake.Failure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .head(let fault): fault.description
        case .malformedStatusLine: "malformed status line"
        case .rejected(let status, let reason, _, _): "the server answered \(status) \(reason)"
        case .upgrade: "the server does not upgrade to websocket"
        case .connection: "Connection does not name Upgrade"
        case .acceptKey: "Sec-WebSocket-Accept does not answer the key"
        case .subprotocol(let name): "subprotocol \(name) was not offered"
        case .extension(let name): "extension \(name) was not offered"
        case .repeated(let field): "repeated \(field)"
        case .malformed(let field): "malformed \(field)"
        }
    }
}
