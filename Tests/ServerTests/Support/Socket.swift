// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore
import Synchronization
import TestSupport
import Testing
import WebSocket

/// A WebSocket client that shows everything: it takes one message at a time, and only what a test asks for.
final class Socket: Sendable {
    struct Closing: Sendable, Equatable {
        var code: Int
        var reason: String
    }

    private struct State: Sendable {
        var endpoint: WebSocket.Endpoint
        var messages: [JSON.Value] = []
        var pings = 0
        var pongs: [String] = []
        var closing: Closing?
        var replies: [ByteBuffer] = []
    }

    let wire: Wire
    /// The subprotocol the server chose.
    let subprotocol: String?
    /// What it agreed to of what was offered.
    let agreed: DeflateParameters?
    private let state: Mutex<State>

    /// - Parameter wire: A connection whose handshake is over.
    init(upgraded wire: Wire, subprotocol: String? = nil, agreed: DeflateParameters? = nil) {
        self.wire = wire
        self.subprotocol = subprotocol
        self.agreed = agreed
        let compression = agreed.map { Compression($0, side: .client, pool: DeflatePool(), sizes: .init(least: 1)) }
        let endpoint = WebSocket.Endpoint(
            role: .client(masks: MaskGenerator(seed: 1)),
            limits: .init(frameBytes: 1 << 24, messageBytes: 1 << 24),
            compression: compression
        )
        self.state = Mutex(State(endpoint: endpoint))
    }

    /// Shakes hands on a connection that is open already.
    static func open(
        on wire: Wire,
        token: String? = nil,
        subprotocols: [String] = ["broadtape.v1.json"],
        target: String = "/ws",
        offering offer: DeflateParameters? = nil
    ) async throws -> Socket {
        var handshake = ClientHandshake(
            .init(
                host: "127.0.0.1",
                target: target,
                nonce: Nonce(.random(in: .min ... .max), .random(in: .min ... .max)),
                subprotocols: subprotocols,
                extensions: offer.map { [$0.element] } ?? [],
                fields: token.map { [("Authorization", "Bearer \($0)")] } ?? []
            )
        )
        try await wire.send(handshake.request)
        while true {
            let bytes = try #require(try await wire.take(), "the connection ended during the handshake")
            switch handshake.receive(bytes) {
            case .needMore:
                continue
            case .failed(let failure):
                throw failure
            case .accepted(let response, let rest):
                let socket = Socket(
                    upgraded: wire,
                    subprotocol: response.subprotocol,
                    agreed: try offer?.judge(response.extensions)
                )
                try await socket.take(rest)
                return socket
            }
        }
    }

    // MARK: - Out

    func send(_ text: String) async throws {
        try await self.write { $0.send(text: ByteBuffer(string: text)) }
    }

    func sendBinary(_ text: String) async throws {
        try await self.write { $0.send(binary: ByteBuffer(string: text)) }
    }

    func ping(_ text: String) async throws {
        try await self.write { $0.ping(ByteBuffer(string: text)) }
    }

    func close() async throws {
        try await self.write { $0.close() }
    }

    private func write(_ frame: @Sendable (inout WebSocket.Endpoint) -> ByteBuffer?) async throws {
        let frame = self.state.withLock { frame(&$0.endpoint) }
        try await self.wire.send(try #require(frame, "the WebSocket is closed"))
    }

    // MARK: - In

    var pings: Int {
        self.state.withLock { $0.pings }
    }

    /// Takes the next message.
    func next(sourceLocation: SourceLocation = #_sourceLocation) async throws -> JSON.Value {
        while true {
            if let message = self.state.withLock({ $0.messages.isEmpty ? nil : $0.messages.removeFirst() }) {
                return message
            }
            let closing = self.state.withLock { $0.closing }
            guard closing == nil, let bytes = try await self.wire.take() else {
                Issue.record("ended: \(String(describing: closing))", sourceLocation: sourceLocation)
                throw TimedOut(what: "a message", state: "\(String(describing: closing))")
            }
            try await self.take(bytes)
        }
    }

    /// Takes the next message, which must be of a kind.
    @discardableResult
    func expect(_ op: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> JSON.Value {
        let message = try await self.next(sourceLocation: sourceLocation)
        try #require(message["op"]?.string == op, "\(message.written)", sourceLocation: sourceLocation)
        return message
    }

    /// Takes the next message, which must be an error with a code.
    @discardableResult
    func expectError(_ code: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> JSON.Value {
        let message = try await self.expect("error", sourceLocation: sourceLocation)
        #expect(message["code"]?.string == code, "\(message.written)", sourceLocation: sourceLocation)
        #expect(message["message"]?.string?.isEmpty == false, sourceLocation: sourceLocation)
        return message
    }

    /// Takes the close frame, before which no message may come, answers it and sees the connection end.
    @discardableResult
    func expectClose(_ code: Int, sourceLocation: SourceLocation = #_sourceLocation) async throws -> Closing? {
        while self.state.withLock({ $0.closing == nil }), let bytes = try await self.wire.take() {
            try await self.take(bytes)
        }
        let (closing, messages) = self.state.withLock { ($0.closing, $0.messages.map(\.written)) }
        #expect(closing?.code == code, "\(String(describing: closing))", sourceLocation: sourceLocation)
        #expect(messages.isEmpty, sourceLocation: sourceLocation)
        try await self.wire.waitForEnd()
        return closing
    }

    /// Takes a pong.
    func expectPong(_ text: String) async throws {
        while self.state.withLock({ $0.pongs.isEmpty }) {
            try await self.take(try #require(try await self.wire.take(), "ended before the pong"))
        }
        #expect(self.state.withLock { $0.pongs.removeFirst() } == text)
    }

    /// Gives the endpoint what was read and answers what has to be answered.
    private func take(_ bytes: ByteBuffer) async throws {
        let replies = try self.state.withLock { state in
            state.endpoint.receive(bytes)
            while let event = state.endpoint.next() {
                switch event {
                case .text(let text):
                    Recording.current?.told(String(buffer: text), over: .socket)
                    state.messages.append(try JSON.Value.parse(Array(text.readableBytesView)))
                case .binary:
                    Issue.record("a binary message")
                case .ping(_, let pong):
                    state.pings += 1
                    state.replies.append(pong)
                case .pong(let payload):
                    state.pongs.append(String(buffer: payload))
                case .closed(let close, let reply):
                    Recording.current?.closed(Int(close.code.rawValue))
                    state.closing = Closing(code: Int(close.code.rawValue), reason: close.reason)
                    if let reply { state.replies.append(reply) }
                case .failed(let violation, _):
                    Issue.record("the server broke the protocol: \(violation)")
                }
            }
            defer { state.replies = [] }
            return state.replies
        }
        for reply in replies { try? await self.wire.send(reply) }
    }
}

extension TestServer {
    /// Opens a WebSocket and takes the welcome; with a token also the answer to that.
    func open(token: String? = nil, receiveBuffer: Int? = nil) async throws -> Socket {
        let socket = try await Socket.open(on: try await self.connect(receiveBuffer: receiveBuffer), token: token)
        try await socket.expect("welcome")
        if token != nil { try await socket.expect("authenticated") }
        return socket
    }
}
