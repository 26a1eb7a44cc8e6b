// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import NIOCore
import NIOPosix
import Synchronization

/// An HTTP server on loopback that gives prepared answers, one per request, and keeps the requests.
final class AnswerServer: Sendable {
    enum Answer: Sendable {
        case status(Int, String, String)
        /// Ends the connection without an answer.
        case drop

        static func ok(_ body: String) -> Answer { .status(200, "OK", body) }
    }

    private struct State {
        var answers: [Answer]
        var requests: [String] = []
    }

    private let state: Mutex<State>
    private let port = Mutex(0)

    private init(_ answers: [Answer]) {
        self.state = Mutex(State(answers: answers))
    }

    var address: HubAddress {
        get throws { try HubAddress("http://127.0.0.1:\(self.port.withLock { $0 })") }
    }

    /// Runs a test against a server on a port of its own; returns the requests too.
    static func withServer<Result>(
        _ answers: [Answer],
        _ body: (AnswerServer) async throws -> Result
    ) async throws -> (Result, requests: [String]) {
        let server = AnswerServer(answers)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler { server.answer($0) })
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        server.port.withLock { $0 = listener.localAddress?.port ?? 0 }
        do {
            let result = try await body(server)
            try await listener.close()
            return (result, server.state.withLock { $0.requests })
        } catch {
            try? await listener.close()
            throw error
        }
    }

    private func answer(_ request: String) -> Answer {
        self.state.withLock { state in
            state.requests.append(request)
            return state.answers.isEmpty ? .drop : state.answers.removeFirst()
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let answer: (String) -> Answer
        private var input = ""

        init(_ answer: @escaping (String) -> Answer) {
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.input += String(buffer: Self.unwrapInboundIn(data))
            guard let end = self.input.firstRange(of: "\r\n\r\n") else { return }
            let length = self.input[..<end.lowerBound].split(separator: "\r\n")
                .first { $0.lowercased().hasPrefix("content-length:") }
                .flatMap { Int($0.dropFirst(15).drop { $0 == " " }) }
            guard self.input[end.upperBound...].utf8.count >= length ?? 0 else { return }
            let request = self.input
            self.input = ""
            switch self.answer(request) {
            case .drop:
                context.close(promise: nil)
            case .status(let status, let reason, let body):
                let head = "HTTP/1.1 \(status) \(reason)\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
                context.writeAndFlush(NIOAny(ByteBuffer(string: head + body)), promise: nil)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
