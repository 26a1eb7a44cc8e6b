// SPDX-License-Identifier: Apache-2.0

import Hub
import Logging
import NIOCore
import WebSocket

/// Decides on requests to become a WebSocket.
struct Upgrade: Sendable {
    static let path = "/ws"
    static let subprotocol = "broadtape.v1.json"

    enum Decision {
        /// The handler answers the request itself, as the first thing it writes.
        case accept(WebSocketHandler)
        case refuse(WebSocket.Refusal)
    }

    let hub: Hub
    let limits: WebSocket.Endpoint.Limits
    /// Nil agrees to none.
    let compression: SocketCompression?
    let logger: Logger

    /// - Parameter request: Valid as RFC 6455 §4.2.1 asks.
    func decide(_ request: WebSocket.Request) -> Decision {
        guard request.path == Self.path else {
            return .refuse(.application(status: 404, reason: "Not Found"))
        }
        let agreement = self.compression?.agreement(on: request)
        let response = request.accept(
            subprotocol: request.preferredSubprotocol(among: [Self.subprotocol]),
            extensions: agreement?.response
        )
        let handler = WebSocketHandler(
            hub: self.hub,
            response: response,
            token: request.fields["authorization"].flatMap(BearerToken.init)?.token ?? request.fields["x-api-key"],
            limits: self.limits,
            compression: agreement,
            logger: self.logger
        )
        return .accept(handler)
    }
}
