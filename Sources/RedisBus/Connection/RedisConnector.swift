// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import NIOPosix
import NIOSSL

/// Opens connections to one Redis server. Share one value, because it holds the TLS configuration.
package struct RedisConnector: Sendable {
    /// Write buffer watermarks of a connection, in bytes.
    private static let watermarks = ChannelOptions.Types.WriteBufferWaterMark(low: 256 << 10, high: 1 << 20)

    package let address: RedisAddress
    package let options: RedisOptions
    private let tls: NIOSSLContext?

    /// - Throws: If TLS cannot be set up, for example because the file of certificates cannot be read.
    package init(to address: RedisAddress, options: RedisOptions = RedisOptions()) throws(RedisEnding) {
        self.address = address
        self.options = options
        guard address.isSecure else {
            self.tls = nil
            return
        }
        do {
            var configuration = TLSConfiguration.makeClientConfiguration()
            if let trustRoots = address.trustRoots { configuration.trustRoots = .file(trustRoots) }
            self.tls = try NIOSSLContext(configuration: configuration)
        } catch {
            let file = address.trustRoots.map { " with the certificates of \($0)" } ?? ""
            throw .unreachable("TLS cannot be set up\(file): \(error)")
        }
    }

    /// Starts to connect. Called on the loop; the receiver is notified of the result.
    func connect(
        on loop: any EventLoop,
        for opening: RedisOpening,
        receiver: any RedisReceiver
    ) throws(RedisFault) -> RedisConnection {
        let connection = try RedisConnection(
            on: loop,
            address: self.address,
            options: self.options,
            opening: opening,
            receiver: receiver
        )
        let handler = NIOLoopBound(connection, eventLoop: loop)
        let (tls, place) = (self.tls, self.address.place)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(self.options.connectTimeout)
            .channelOption(.writeBufferWaterMark, value: Self.watermarks)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls, case .tcp(let host, _) = place {
                        let isLiteral = (try? SocketAddress(ipAddress: host, port: 0)) != nil
                        let name = isLiteral ? nil : host
                        try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: name))
                    }
                    try pipeline.addHandler(handler.value)
                }
            }
        let connected: EventLoopFuture<any Channel>
        switch place {
        case .unix(let path):
            connected = bootstrap.connect(unixDomainSocketPath: path)
        case .tcp(let host, let port):
            let tcp = bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
            if let literal = try? SocketAddress(ipAddress: host, port: port) {
                connected = tcp.connect(to: literal)
            } else {
                connected = tcp.connect(host: host, port: port)
            }
        }
        connected.hop(to: loop).assumeIsolated().whenFailure { connection.failedToConnect($0) }
        return connection
    }
}

/// The purpose of a connection, with its first command.
package enum RedisOpening: Sendable {
    /// Subscribes to these channels.
    case subscribe([String])
    /// Subscribes to the channels that match these patterns.
    case psubscribe([String])
    /// Sends commands; the first message checks that Redis accepts them.
    case publish(channel: String, first: ByteBuffer)

    /// The command's name.
    var name: String {
        switch self {
        case .subscribe: "SUBSCRIBE"
        case .psubscribe: "PSUBSCRIBE"
        case .publish: "PUBLISH"
        }
    }

    var command: ByteBuffer {
        switch self {
        case .subscribe(let names), .psubscribe(let names):
            RedisCommand.format([self.name] + names)
        case .publish(let channel, let first):
            RedisCommand.format([self.name, channel], payload: first)
        }
    }
}
