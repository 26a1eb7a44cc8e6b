// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import NIOPosix
import NIOSSL
package import WebSocket

/// Makes connections to one WebSocket server.
///
/// A value that they share: it holds the TLS configuration.
package struct Connector: Sendable {
    /// Where the server is.
    package let url: WebSocketURL
    /// What the server may be asked for in `Sec-WebSocket-Protocol`.
    package var subprotocols: [String] = []
    /// What the server may send; larger messages end the connection.
    ///
    /// A hub's heartbeat of 5,000 channels or a page of history is far larger than what clients send.
    package var limits = WebSocket.Endpoint.Limits(frameBytes: 4 << 20, messageBytes: 4 << 20)
    /// For TCP, TLS and the upgrade together.
    package var timeout = TimeAmount.seconds(10)
    /// How long an answer to our close frame is waited for.
    package var closeTimeout = TimeAmount.seconds(2)
    /// Makes masking keys fast and predictable.
    ///
    /// For load tests against one's own server, never elsewhere (RFC 6455 §10.3).
    package var usesPredictableMasks = false
    /// Offers the server to compress what it sends (RFC 7692).
    package var offersCompression = false
    /// Our messages are small; what is larger is compressed where the server agrees.
    static let compressedSizes = WebSocket.Deflation.Sizes(least: 1024)
    private let pool = WebSocket.DeflatePool()
    private let tls: NIOSSLContext?

    /// Creates a connector.
    /// - Parameter tls: For a URL that asks for TLS.
    package init(to url: WebSocketURL, tls: ClientTLS = ClientTLS()) throws(Ending) {
        self.url = url
        guard url.isSecure else {
            self.tls = nil
            return
        }
        do {
            self.tls = try NIOSSLContext(configuration: try tls.configuration())
        } catch {
            throw .unreachable("TLS cannot be set up: \(error)")
        }
    }

    /// Starts to connect.
    ///
    /// Called on the loop that the connection will live on.
    ///
    /// - Parameters:
    ///   - loop: The connection's event loop; the caller is on it.
    ///   - token: Sent as `Authorization: Bearer`.
    ///   - receiver: Notified of what happens, also when the connection fails. Kept until the connection has ended.
    package func connect(
        on loop: any EventLoop,
        token: String?,
        receiver: any ConnectionReceiver
    ) -> Connection {
        let connection = Connection(on: loop, offer: self.offer(token: token), connector: self, receiver: receiver)
        let handler = NIOLoopBound(connection, eventLoop: loop)
        let (tls, host) = (self.tls, self.url.host)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(self.timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        try pipeline.addHandler(Self.tlsHandler(tls, host: host))
                    }
                    try pipeline.addHandler(handler.value)
                }
            }
        let connected: EventLoopFuture<any Channel>
        if let literal = try? SocketAddress(ipAddress: host, port: self.url.port) {
            // Without the resolver and its race of address families, which cost more than the connection itself.
            connected = bootstrap.connect(to: literal)
        } else {
            connected = bootstrap.connect(host: host, port: self.url.port)
        }
        connected.hop(to: loop).assumeIsolated().whenFailure { error in
            connection.failedToConnect(error)
        }
        return connection
    }

    /// What is offered, if anything: nothing is kept between messages on either side.
    private var deflateOffer: WebSocket.DeflateParameters? {
        guard self.offersCompression else { return nil }
        var offer = WebSocket.DeflateParameters()
        offer.serverNoContextTakeover = true
        offer.clientNoContextTakeover = true
        offer.clientWindow = .limitable
        return offer
    }

    /// Validates the server's answer to the offer of compression.
    func compression(
        agreedIn extensions: [WebSocket.ExtensionOffer]
    ) throws(WebSocket.DeflateFault) -> WebSocket.Compression? {
        guard let agreed = try self.deflateOffer?.judge(extensions) else { return nil }
        return WebSocket.Compression(agreed, side: .client, pool: self.pool, sizes: Self.compressedSizes)
    }

    private static func tlsHandler(_ context: NIOSSLContext, host: String) throws -> NIOSSLClientHandler {
        let isLiteral = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isLiteral ? nil : host)
    }

    private func offer(token: String?) -> WebSocket.ClientHandshake.Offer {
        WebSocket.ClientHandshake.Offer(
            host: self.url.authority,
            target: self.url.target,
            nonce: WebSocket.Nonce(.random(in: 0 ... .max), .random(in: 0 ... .max)),
            subprotocols: self.subprotocols,
            extensions: self.deflateOffer.map { [$0.element] } ?? [],
            fields: token.map { [("Authorization", "Bearer \($0)")] } ?? []
        )
    }
}
