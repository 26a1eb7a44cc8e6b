// SPDX-License-Identifier: Apache-2.0

package import Hub
package import Hummingbird
import HummingbirdCore
package import Logging
package import NIOCore
import NIOExtras
import NIOPosix
import NIOSSL
import ServiceLifecycle
import Synchronization
import WebSocket

/// Accepts connections on one port: WebSockets for the hub, other requests for an HTTP API.
///
/// Each connection begins with an ``HTTPFront``, for which the listener has what the connections of the port share.
package final class Listener: Sendable {
    /// Audience of a port.
    package enum Audience: Sendable {
        case everyone
        /// Without WebSockets, and still served when there are no descriptors for clients.
        case operators
    }

    let audience: Audience
    let configuration: EdgeConfiguration
    let admission: Admission
    let hub: Hub
    /// Nil negotiates none.
    let compression: SocketCompression?
    let logger: Logger
    private let descriptors: Descriptors
    private let group: any EventLoopGroup
    private let respond: @Sendable (Request, RequestConnection) async throws -> Response
    private let connections: Nursery
    private let tls: ServerTLS?
    private let onBound: @Sendable (SocketAddress) -> Void
    /// Completes when the last connection has closed after a shutdown; nil before the port is bound.
    private let allClosed = Mutex<EventLoopFuture<Void>?>(nil)

    /// - Parameters:
    ///   - descriptors: Descriptors of the process.
    ///   - tls: Nil serves without TLS.
    ///   - countries: Blocked countries; nil blocks none.
    ///   - compression: The compression of the hub's framing; nil negotiates none.
    ///   - group: The hub's event loops.
    ///   - onBound: Called once, with the bound address.
    package init(
        for audience: Audience = .everyone,
        configuration: EdgeConfiguration,
        hub: Hub,
        descriptors: Descriptors,
        tls: ServerTLS? = nil,
        countries: BlockedCountries? = nil,
        compression: SocketCompression? = nil,
        responder: some HTTPResponder<EdgeContext>,
        group: any EventLoopGroup,
        logger: Logger,
        onBound: @escaping @Sendable (SocketAddress) -> Void
    ) {
        self.audience = audience
        self.descriptors = descriptors
        self.configuration = configuration
        self.hub = hub
        self.group = group
        self.logger = logger
        self.connections = Nursery(limit: configuration.httpConnections)
        self.onBound = onBound
        self.tls = tls
        self.compression = compression
        self.admission = Admission(configuration.admission, countries: countries)
        self.respond = { request, connection in
            try await responder.respond(to: request, context: EdgeContext(source: connection))
        }
    }

    /// Accepts connections until graceful shutdown. HTTP connections then close after the current request, see
    /// ``serveConnections()``; the hub closes WebSockets.
    package func run() async throws {
        let quiescing = ServerQuiescingHelper(group: self.group)
        let channel = try await self.bind(quiescing)
        let allClosed = channel.eventLoop.makePromise(of: Void.self)
        self.allClosed.withLock { $0 = allClosed.futureResult }
        if let address = channel.localAddress {
            self.onBound(address)
        }
        let memory = self.lookAtMemory(on: channel.eventLoop)
        defer { memory?.cancel() }
        let isQuiescing = Atomic<Bool>(false)
        await withGracefulShutdownHandler {
            await withTaskCancellationHandler {
                try? await channel.closeFuture.get()
            } onCancel: {
                channel.close(promise: nil)
            }
        } onGracefulShutdown: {
            isQuiescing.store(true, ordering: .relaxed)
            quiescing.initiateShutdown(promise: allClosed)
        }
        if !isQuiescing.load(ordering: .relaxed) {
            // Forced shutdown: remaining connections are not waited for.
            allClosed.succeed()
        }
    }

    /// Serves the HTTP connections until graceful shutdown and all have ended. Shut it down after the hub, which
    /// handles their requests and closes those upgraded to WebSockets.
    package func serveConnections() async {
        await withGracefulShutdownHandler {
            await self.connections.run()
        } onGracefulShutdown: {
            self.connections.finish()
        }
    }

    /// How long connections may take to send pending data after everything else has ended.
    private static let lingering = TimeAmount.seconds(3)

    /// Returns when no connection is left, or after a timeout. Call it after ``run()``.
    package func waitForConnections() async {
        guard let allClosed = self.allClosed.withLock({ $0 }) else { return }
        let enough = allClosed.eventLoop.makePromise(of: Void.self)
        allClosed.cascade(to: enough)
        let deadline = allClosed.eventLoop.scheduleTask(in: Self.lingering) { enough.succeed() }
        try? await enough.futureResult.get()
        deadline.cancel()
    }

    private func lookAtMemory(on loop: any EventLoop) -> RepeatedTask? {
        guard self.admission.limitsMemory else { return nil }
        let admission = self.admission
        return loop.scheduleRepeatedTask(initialDelay: .zero, delay: Self.memoryInterval) { _ in
            admission.lookAtMemory(ResidentMemory.bytes())
        }
    }

    /// Interval of memory checks.
    private static let memoryInterval = TimeAmount.milliseconds(250)

    private func bind(_ quiescing: ServerQuiescingHelper) async throws -> any Channel {
        try await ServerBootstrap(group: self.group)
            .serverChannelOption(.backlog, value: Int32(clamping: self.configuration.backlog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        quiescing.makeServerChannelHandler(channel: channel)
                    )
                    try channel.pipeline.syncOperations.addHandler(AcceptGuard(self.descriptors))
                }
            }
            // With it, swift-nio-ssl takes its whole timeout of 5 s for every connection that is closed here.
            .childChannelOption(.allowRemoteHalfClosure, value: self.tls == nil)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.accept(channel) }
            }
            .bind(host: self.configuration.host, port: self.configuration.port)
            .get()
    }

    private func accept(_ channel: any Channel) throws {
        let shortage = self.descriptors.shortage
        let isShort = shortage > (self.audience == .everyone ? .none : .third)
        if isShort {
            self.descriptors.refusing()
            // Too few descriptors to wait for a handshake.
            guard self.tls == nil || shortage == .first else { return channel.close(promise: nil) }
        }
        let peer = self.admission.peer(at: channel.remoteAddress, isSecure: self.tls != nil)
        let refusal =
            isShort
            ? Self.refusal(for: shortage)
            : self.admission.enter(peer, until: channel.closeFuture).map { HTTPFront.Refusal(rejection: $0) }
        let pipeline = channel.pipeline.syncOperations
        if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls.context)) }
        try pipeline.addHandler(HTTPFront(self, peer: peer, refusal: refusal))
    }

    /// The fewer descriptors are left, the sooner the client's is released.
    private static func refusal(for shortage: Descriptors.Shortage) -> HTTPFront.Refusal {
        switch shortage {
        case .none, .first: HTTPFront.Refusal(rejection: .outOfDescriptors)
        case .second:
            HTTPFront.Refusal(rejection: .outOfDescriptors, isAtOnce: true, lingering: .milliseconds(100))
        case .third, .last: HTTPFront.Refusal(rejection: .outOfDescriptors, isAtOnce: true, lingering: .zero)
        }
    }

    /// Adds the handlers of the HTTP API to a connection, and starts serving it.
    /// - Returns: False if there are too many HTTP connections.
    func startHTTP(_ channel: any Channel, behind front: HTTPFront) -> Bool {
        let limits = RequestScanner.headLimits
        let bodyTime = TimeAmount(self.configuration.bodyTime)
        let connection = RequestConnection(
            channel: channel,
            peer: front.peer,
            admission: self.admission,
            logger: self.logger
        )
        let front = NIOLoopBound(front, eventLoop: channel.eventLoop)
        let http = HTTP1Channel(
            responder: { [respond = self.respond] request, writer, _ in
                let response = try await respond(request, connection)
                try await writer.write(response: response.head, body: response.body)
            },
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [ResponseObserver(front.value, limit: bodyTime)],
                idleTimeout: TimeAmount(self.configuration.idleTime),
                httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                    maxHeaderFieldSize: limits.bytes,
                    maxHeaderListSize: limits.bytes,
                    maxHeaderFieldCount: limits.fields
                )
            )
        )
        let logger = self.logger
        let ready = channel.eventLoop.makePromise(of: HTTP1Channel.Value.self)
        // Before anything is set up that a refused connection does not need.
        let isStarted = self.connections.start {
            do {
                await http.handle(value: try await ready.futureResult.get(), logger: logger)
            } catch {
                logger.debug("connection could not be set up", metadata: ["error": "\(error)"])
                connection.channel.close(promise: nil)
            }
        }
        guard isStarted else {
            ready.fail(ChannelError.ioOnClosedChannel)
            return false
        }
        http.setup(channel: channel, logger: logger).cascade(to: ready)
        return true
    }
}
