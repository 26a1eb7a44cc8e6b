// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy in front of a server on loopback, which fails on demand.
package final class FaultProxy: Sendable {
    /// What it does with connections.
    package enum Condition: Sendable {
        case open
        /// Connections are closed, and new ones at once again.
        case closed
        /// Nothing passes and nothing is closed, as when a cable is pulled.
        case silent
    }

    private struct State {
        var condition = Condition.open
        var channels: [ObjectIdentifier: any Channel] = [:]
    }

    /// Where it listens, on 127.0.0.1.
    package let port: Int
    private let listener: any Channel
    private let passages: Passages

    private init(listener: any Channel, port: Int, passages: Passages) {
        self.listener = listener
        self.port = port
        self.passages = passages
    }

    /// Opens a proxy to a port of 127.0.0.1.
    package static func open(to target: Int) async throws -> FaultProxy {
        let passages = Passages(target: target)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { passages.admit($0) }
            .bind(host: "127.0.0.1", port: 0).get()
        return FaultProxy(listener: listener, port: listener.localAddress?.port ?? 0, passages: passages)
    }

    /// Changes its condition, for the connections it has and those that come.
    package func become(_ condition: Condition) {
        self.passages.become(condition)
    }

    /// Closes it for good.
    package func end() async throws {
        self.passages.become(.closed)
        try await self.listener.close()
    }

    /// The connections that it forwards.
    private final class Passages: Sendable {
        private let target: Int
        private let state = Mutex(State())

        init(target: Int) {
            self.target = target
        }

        /// Joins a new connection with one to the target.
        func admit(_ client: any Channel) -> EventLoopFuture<Void> {
            guard self.state.withLock({ $0.condition }) != .closed else {
                return client.close()
            }
            return ClientBootstrap(group: client.eventLoop)
                .channelOption(.autoRead, value: false)
                .connect(host: "127.0.0.1", port: self.target)
                .flatMap { server in
                    server.pipeline.addHandler(Relay(to: client))
                        .flatMap { client.pipeline.addHandler(Relay(to: server)) }
                        .map {
                            self.hold(client)
                            self.hold(server)
                        }
                }
                .flatMapError { _ in client.close() }
        }

        private func hold(_ channel: any Channel) {
            let condition = self.state.withLock { state in
                state.channels[ObjectIdentifier(channel)] = channel
                return state.condition
            }
            channel.closeFuture.whenComplete { _ in
                self.state.withLock { _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
            }
            Self.set(channel, condition)
        }

        func become(_ condition: Condition) {
            let channels = self.state.withLock { state in
                state.condition = condition
                return Array(state.channels.values)
            }
            for channel in channels {
                Self.set(channel, condition)
            }
        }

        private static func set(_ channel: any Channel, _ condition: Condition) {
            switch condition {
            case .closed: channel.close(promise: nil)
            case .open, .silent: _ = channel.setOption(.autoRead, value: condition == .open)
            }
        }
    }
}

/// Passes on what one connection says to the other.
private final class Relay: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let other: any Channel

    init(to other: any Channel) {
        self.other = other
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.other.write(self.unwrapInboundIn(data), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.other.flush()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.other.close(promise: nil)
    }
}
