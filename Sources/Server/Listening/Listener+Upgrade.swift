// SPDX-License-Identifier: Apache-2.0

import Hub
import NIOCore
import WebSocket

/// WebSocket upgrade requests.
extension Listener {
    private static let webSocketPath = "/ws"
    private static let subprotocol = "broadtape.v1.json"

    enum Upgrade {
        /// The handler writes the response itself, before anything else.
        case accepted(WebSocketHandler)
        /// The complete response, after which the connection closes.
        case refused(ByteBuffer)
    }

    /// Accepts or refuses an upgrade.
    /// - Parameter request: Valid according to RFC 6455 §4.2.1.
    func upgrade(_ channel: any Channel, of peer: Peer, for request: WebSocket.Request) -> Upgrade {
        guard self.audience == .everyone, request.path == Self.webSocketPath else {
            return .refused(WebSocket.Refusal.application(status: 404, reason: "Not Found").response)
        }
        // The hub uses no cookies that pages of other origins could abuse, but an operator may want to restrict who
        // builds on the hub.
        if let origin = request.origin, !self.configuration.origins.allow(origin) {
            return .refused(WebSocket.Refusal.application(status: 403, reason: "this origin is not allowed").response)
        }
        if peer.isTrustedProxy,
            let rejection = self.admission.enter(
                forwardedFor: request.fields.values("x-forwarded-for"),
                by: peer,
                until: channel.closeFuture
            )
        {
            return .refused(rejection.response)
        }
        if let rejection = Admission.ConnectionRejection(self.hub.rejection(on: channel.eventLoop)) {
            return .refused(rejection.response)
        }
        let agreement = self.compression?.agreement(on: request)
        let messageBytes = self.configuration.messageBytes
        return .accepted(
            WebSocketHandler(
                hub: self.hub,
                response: request.accept(
                    subprotocol: request.preferredSubprotocol(among: [Self.subprotocol]),
                    extensions: agreement?.response
                ),
                peer: peer,
                rates: self.configuration.inbound,
                token: request.fields["authorization"].flatMap(BearerToken.init)?.token ?? request.fields["x-api-key"],
                limits: WebSocket.Endpoint.Limits(frameBytes: messageBytes, messageBytes: messageBytes),
                compression: agreement,
                logger: self.logger
            )
        )
    }
}
