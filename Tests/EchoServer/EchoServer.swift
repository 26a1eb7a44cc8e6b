// SPDX-License-Identifier: Apache-2.0

import Dispatch
import NIOCore
import NIOPosix
import WebSocket

/// A WebSocket server on loopback that sends every message back, for the Autobahn test suite.
@main
enum EchoServer {
    /// As large as the largest case of the suite.
    private static let limits = Endpoint.Limits(
        frameBytes: 16 << 20,
        messageBytes: 16 << 20,
        fragments: 1 << 20
    )

    static func main() async throws {
        guard let port = port(of: CommandLine.arguments.dropFirst()) else {
            print("usage: broadtape-echo [--port N]")
            return
        }
        let pool = DeflatePool()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(EchoHandler(limits: limits, pool: pool))
                }
            }
            .bind(host: "127.0.0.1", port: port)
            .get()
        print("listening on 127.0.0.1:\(listener.localAddress?.port ?? port)")
        let signals = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            // Not on the main actor, where this would be checked and found wrong.
            source.setEventHandler { @Sendable in listener.close(promise: nil) }
            source.resume()
            return source
        }
        try await listener.closeFuture.get()
        signals.forEach { $0.cancel() }
        try await group.shutdownGracefully()
    }

    /// Returns the port to listen on, `nil` for arguments that make no sense.
    private static func port(of arguments: ArraySlice<String>) -> Int? {
        switch (arguments.first, arguments.count) {
        case (nil, _): 9001
        case ("--port", 2): arguments.last.flatMap { UInt16($0) }.map(Int.init)
        case (_, _): nil
        }
    }
}
