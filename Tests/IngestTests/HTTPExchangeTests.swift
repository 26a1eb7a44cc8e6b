// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Ingest
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// Servers that do not keep to what HTTP promises.
@Suite(.timeLimit(.minutes(1)))
struct HTTPExchangeTests {
    /// What a server writes on a connection, and what it then writes again and again.
    private struct Script: Sendable {
        var first: String
        var again: String?
        var pace: TimeAmount = .milliseconds(20)
    }

    private final class Writer: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        private let script: Script

        init(_ script: Script) {
            self.script = script
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let (channel, script) = (context.channel, self.script)
            channel.writeAndFlush(ByteBuffer(string: script.first), promise: nil)
            guard let again = script.again else { return }
            context.eventLoop.scheduleRepeatedTask(initialDelay: script.pace, delay: script.pace) { task in
                guard channel.isActive else { return task.cancel() }
                channel.writeAndFlush(ByteBuffer(string: again), promise: nil)
            }
        }
    }

    private static func exchange(
        _ script: Script,
        time: Duration = .milliseconds(300),
        bytes: Int = 1_000,
        urls: [String] = []
    ) async throws -> Result<HTTPExchange.Answer, HTTPExchange.Fault> {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in channel.pipeline.addHandler(Writer(script)) }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        let exchange = HTTPExchange(client, time: time, bytes: bytes, urls: urls)
        let result: Result<HTTPExchange.Answer, HTTPExchange.Fault>
        do throws(HTTPExchange.Fault) {
            result = .success(try await exchange.answer(to: HTTPClientRequest(url: "http://127.0.0.1:\(port)")))
        } catch {
            result = .failure(error)
        }
        try await client.shutdown()
        try await server.close()
        return result
    }

    @Test func wholeAnswersAreRead() async throws {
        let head = "HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno"
        let answer = try await Self.exchange(Script(first: head), time: .seconds(20)).get()
        #expect(answer.status == 429)
        #expect(answer.after == .seconds(7))
        #expect(answer.beginning == "no")
    }

    /// A key that the server repeats is in no message, not even the half of it that the end of a message leaves.
    @Test func keysAreNotRepeated() async throws {
        let key = "0123456789abcdef"
        let body = String(repeating: "-", count: 110) + key
        let head = "HTTP/1.1 401 No\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        let answer = try await Self.exchange(
            Script(first: head + body),
            time: .seconds(20),
            urls: ["https://node.example/v3/\(key)"]
        ).get()
        #expect(answer.beginning == String(repeating: "-", count: 110) + "********")
    }

    /// Byte by byte, for ever: the time is over all the same.
    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"])
    func answersThatNeverEndAreGivenUp(_ head: String) async throws {
        let result = try await Self.exchange(Script(first: head, again: head.isEmpty ? nil : "x"))
        guard case .failure(.unreachable(let why)) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(why.contains("within"))
    }

    @Test func answersWithoutAnEndAreTooLarge() async throws {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        let chunk = "64\r\n" + String(repeating: "x", count: 100) + "\r\n"
        let script = Script(first: head, again: chunk, pace: .milliseconds(1))
        guard case .failure(.tooLarge(1_000)) = try await Self.exchange(script, time: .seconds(20)) else {
            Issue.record("it is taken")
            return
        }
    }

    @Test func cancelledIsNoFailureOfTheServer() async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        let exchange = HTTPExchange(client, time: .seconds(60), bytes: 1_000)
        let fault = await withTaskGroup(of: HTTPExchange.Fault?.self) { group in
            group.addTask {
                do throws(HTTPExchange.Fault) {
                    _ = try await exchange.answer(to: HTTPClientRequest(url: "http://127.0.0.1:\(port)"))
                    return nil
                } catch {
                    return error
                }
            }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(fault == .cancelled)
        try await client.shutdown()
        try await server.close()
    }

    @Test func nobodyListens() async throws {
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        let exchange = HTTPExchange(client, time: .seconds(20), bytes: 1_000)
        for url in ["http://127.0.0.1:1", "http://no-such-host.invalid", "nonsense", ""] {
            await #expect { try await exchange.answer(to: HTTPClientRequest(url: url)) } throws: { error in
                if case .unreachable = error as? HTTPExchange.Fault { true } else { false }
            }
        }
        try await client.shutdown()
    }
}
