// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import NIOCore
import TestSupport
import Testing

/// A connected client: sends text, sees what its transport recorded.
final class TestClient: Sendable {
    let session: Session
    let transport: RecordingTransport
    let loop: any EventLoop

    private init(session: Session, transport: RecordingTransport, loop: any EventLoop) {
        self.session = session
        self.transport = transport
        self.loop = loop
    }

    static func connect(
        to hub: Hub,
        on loop: any EventLoop,
        token: String?,
        now: Timestamp
    ) async throws -> TestClient {
        let transport = RecordingTransport()
        let session = try await loop.submit { () throws -> Session in
            let session = try #require(hub.makeSession(on: loop, transport: transport))
            session.assumeIsolated { $0.opened(token: token, now: now) }
            return session
        }.get()
        return TestClient(session: session, transport: transport, loop: loop)
    }

    /// Sends messages as one read.
    func send(_ messages: String...) async throws {
        try await self.send(messages)
    }

    func send(_ messages: [String]) async throws {
        try await self.loop.submit {
            self.session.assumeIsolated { session in
                for message in messages {
                    session.received(Array(message.utf8))
                }
            }
        }.get()
    }

    /// Makes its connection take everything, and tells the session.
    func becomeWritable(_ room: Int = .max) async throws {
        try await self.loop.submit {
            self.transport.setRoom(room)
            self.session.assumeIsolated { $0.becameWritable() }
        }.get()
    }

    /// Makes its connection take nothing.
    func becomeUnwritable() async throws {
        try await self.loop.submit { self.transport.setRoom(0) }.get()
    }

    func end() async {
        await self.session.ended()
    }

    /// Ends the session as a closed connection does.
    var isClosed: Bool {
        !self.transport.record.closings.isEmpty
    }

    // MARK: - What it got

    /// The messages with one of these ops, all if there are none.
    func messages(_ ops: String...) -> [JSON.Value] {
        self.transport.record.messages(ops)
    }

    /// Waits for so many messages with one of these ops.
    /// - Returns: All of them.
    @discardableResult
    func expect(_ count: Int, _ ops: String...) async throws -> [JSON.Value] {
        try await self.transport.wait(for: "\(count) of \(ops)") { $0.messages(ops).count >= count }
        return self.transport.record.messages(ops)
    }

    /// Waits for the answer to a request.
    @discardableResult
    func answer(_ id: Int, op: String? = nil) async throws -> JSON.Value {
        try await self.transport.wait(for: "an answer to \(id)") { record in
            record.messages.contains { $0["id"]?.integer(in: .seq) == id }
        }
        let answer = try #require(self.transport.record.messages.last { $0["id"]?.integer(in: .seq) == id })
        if let op { #expect(answer["op"]?.string == op, "\(answer.json)") }
        return answer
    }

    /// Waits until the events of a channel have come up to a number.
    /// - Returns: The numbers of all its events, in the order in which they came.
    @discardableResult
    func events(on channel: String, through seq: Int) async throws -> [Int] {
        try await self.transport.wait(for: "\(channel) through \(seq)") { ($0.events(on: channel).last ?? 0) >= seq }
        return self.transport.record.events(on: channel)
    }

    /// Waits for a close.
    @discardableResult
    func closing() async throws -> CloseReason {
        try await self.transport.wait(for: "a close") { !$0.closings.isEmpty }
        return try #require(self.transport.record.closings.first)
    }

    /// Subscribes and waits for the answer.
    @discardableResult
    func subscribe(_ channel: String, _ more: String = "") async throws -> JSON.Value {
        let before = self.messages("subscribed", "error").count
        let tail = more.isEmpty ? "" : "," + more
        try await self.send(#"{"op":"subscribe","channel":"\#(channel)"\#(tail)}"#)
        let answers = try await self.expect(before + 1, "subscribed", "error")
        let answer = answers[before]
        #expect(answer["op"]?.string == "subscribed", "\(answer.json)")
        return answer
    }
}

extension RecordingTransport.Record {
    func messages(_ ops: [String]) -> [JSON.Value] {
        guard !ops.isEmpty else { return self.messages }
        return self.messages.filter { message in ops.contains { message["op"]?.equals($0) == true } }
    }

    /// Numbers of the events of a channel, as they came.
    func events(on channel: String) -> [Int] {
        self.messages(["event"]).filter { $0["channel"]?.string == channel }.compactMap { $0["seq"]?.integer(in: .seq) }
    }
}

extension JSON.Value {
    /// Its text.
    var json: String {
        String(decoding: self.text, as: UTF8.self)
    }
}
