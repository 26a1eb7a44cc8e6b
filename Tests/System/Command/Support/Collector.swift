// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import TestSupport

/// An OpenTelemetry collector that keeps what it is sent.
struct Collector: Sendable {
    struct Received: Sendable {
        var targets: [String] = []
        /// Spans as they came, in order.
        var spans: [JSON.Value] = []
    }

    let received: Watched<Received>
    let channel: any Channel

    var url: String { "http://127.0.0.1:\(self.channel.localAddress?.port ?? 0)" }

    static func start() async throws -> Collector {
        let received = Watched(Received())
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(received))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        return Collector(received: received, channel: channel)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let received: Watched<Received>
        private var body: [UInt8] = []

        init(_ received: Watched<Received>) {
            self.received = received
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch self.unwrapInboundIn(data) {
            case .head(let head):
                self.received.change { $0.targets.append(head.uri) }
                self.body = []
            case .body(let part):
                self.body += Array(part.readableBytesView)
            case .end:
                if let request = try? JSON.Value.parse(self.body) {
                    self.received.change { $0.spans += Self.spans(of: request) }
                }
                let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["Content-Length": "2"])
                context.write(self.wrapOutboundOut(.head(head)), promise: nil)
                context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "{}")))), promise: nil)
                context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
            }
        }

        private static func spans(of request: JSON.Value) -> [JSON.Value] {
            (request["resourceSpans"]?.elements.map { $0 } ?? [])
                .flatMap { $0["scopeSpans"]?.elements.map { $0 } ?? [] }
                .flatMap { $0["spans"]?.elements.map { $0 } ?? [] }
        }
    }
}
