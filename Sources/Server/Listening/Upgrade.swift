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
        /// The whole answer, after which the connection ends.
        case refuse(ByteBuffer)
    }

    /// False on the operators' port, which has no WebSockets.
    let isOpen: Bool
    let hub: Hub
    let limits: WebSocket.Endpoint.Limits
    /// Nil agrees to none.
    let compression: SocketCompression?
    let admission: Admission
    let origins: AllowedOrigins
    /// Whether publishing takes a client's certificate.
    let requiresCertificates: Bool
    /// How fast a client may send.
    let rates: InboundBudget.Rates
    let logger: Logger

    /// - Parameter request: Valid as RFC 6455 §4.2.1 asks.
    func decide(_ request: WebSocket.Request, peer: Peer, channel: any Channel) -> Decision {
        guard self.isOpen, request.path == Self.path else {
            return .refuse(WebSocket.Refusal.application(status: 404, reason: "Not Found").response)
        }
        // Pages of other origins could use what a browser keeps for its user, were anything kept; an operator may want
        // to be sure of who builds on the hub.
        if let origin = request.origin, !self.origins.allow(origin) {
            return .refuse(WebSocket.Refusal.application(status: 403, reason: "this origin is not allowed").response)
        }
        if peer.isTrustedProxy,
            let turndown = self.admission.enter(
                forwardedFor: request.fields.values("x-forwarded-for"),
                by: peer,
                until: channel.closeFuture
            )
        {
            return .refuse(turndown.response)
        }
        if let turndown = Admission.Turndown(self.hub.unwelcome(on: channel.eventLoop)) {
            return .refuse(turndown.response)
        }
        let agreement = self.compression?.agreement(on: request)
        let response = request.accept(
            subprotocol: request.preferredSubprotocol(among: [Self.subprotocol]),
            extensions: agreement?.response
        )
        let handler = WebSocketHandler(
            hub: self.hub,
            response: response,
            peer: peer,
            rates: self.rates,
            token: request.fields["authorization"].flatMap(BearerToken.init)?.token ?? request.fields["x-api-key"],
            limits: self.limits,
            compression: agreement,
            logger: self.logger
        )
        return .accept(handler)
    }
}
