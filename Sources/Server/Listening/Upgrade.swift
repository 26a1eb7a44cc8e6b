// SPDX-License-Identifier: Apache-2.0

import Hub
import Logging
import NIOCore
import WebSocket

/// Decides on WebSocket upgrade requests.
struct Upgrade: Sendable {
    static let path = "/ws"
    static let subprotocol = "broadtape.v1.json"

    enum Decision {
        /// The handler writes the response itself, before anything else.
        case accept(WebSocketHandler)
        /// The complete response, after which the connection closes.
        case refuse(ByteBuffer)
    }

    /// False on the admin port, which has no WebSockets.
    let isOpen: Bool
    let hub: Hub
    let limits: WebSocket.Endpoint.Limits
    /// Nil negotiates none.
    let compression: SocketCompression?
    let admission: Admission
    let origins: AllowedOrigins
    /// Whether publishing needs a client certificate.
    let requiresCertificates: Bool
    /// Rate limits of a client.
    let rates: InboundBudget.Rates
    let logger: Logger

    /// - Parameter request: Valid according to RFC 6455 §4.2.1.
    func decide(_ request: WebSocket.Request, peer: Peer, channel: any Channel) -> Decision {
        guard self.isOpen, request.path == Self.path else {
            return .refuse(WebSocket.Refusal.application(status: 404, reason: "Not Found").response)
        }
        // The hub uses no cookies that pages of other origins could abuse, but an operator may want to restrict who
        // builds on the hub.
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
        if let turndown = Admission.ConnectionRejection(self.hub.rejection(on: channel.eventLoop)) {
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
