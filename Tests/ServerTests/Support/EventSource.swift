// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore
import Synchronization
import Testing

/// A client of Server-Sent Events that shows everything: it takes one event at a time, and only what a test asks for.
final class EventSource: Sendable {
    struct Event: Sendable {
        var name: String
        var id: String?
        /// As it was written.
        var data: String

        func json() throws -> JSON.Value {
            try JSON.Value.parse(Array(self.data.utf8))
        }
    }

    private struct State: Sendable {
        /// Of the body, still in chunks.
        var chunks: [UInt8] = []
        var text: [UInt8] = []
        var events: [Event] = []
        var hasEnded = false
        var retries: [Int] = []
        var lastID: String?
    }

    let wire: Wire
    /// The answer's head.
    let head: Answer
    private let state = Mutex(State())

    private init(_ wire: Wire, _ head: Answer) {
        self.wire = wire
        self.head = head
    }

    /// Sends a request, whose answer must be a stream.
    static func open(_ request: Request, on wire: Wire) async throws -> EventSource {
        try await wire.send(request.text)
        var bytes: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while bytes.firstRange(of: end) == nil {
            bytes += try #require(try await wire.take(), "ended in the head of the answer").readableBytesView
        }
        let range = try #require(bytes.firstRange(of: end))
        let head = try #require(Answer.parse(Array(bytes[..<range.upperBound]), hasBody: false, hasEnded: true)).answer
        try #require(head.status == 200, "\(String(decoding: bytes, as: UTF8.self))")
        try #require(head.fields["content-type"] == "text/event-stream")
        Recording.current?.answered(request, head)
        let source = EventSource(wire, head)
        try source.take(Array(bytes[range.upperBound...]))
        return source
    }

    /// The id to resume from.
    var lastID: String? {
        self.state.withLock { $0.lastID }
    }

    /// What the hub said about when to come back, in milliseconds.
    var retries: [Int] {
        self.state.withLock { $0.retries }
    }

    /// Takes the next event; nil at the end of the stream.
    func next() async throws -> Event? {
        while true {
            let (event, hasEnded) = self.state.withLock { state in
                (state.events.isEmpty ? nil : state.events.removeFirst(), state.hasEnded)
            }
            if let event {
                Recording.current?.told(event.data, over: .stream)
                if let id = event.id { self.state.withLock { $0.lastID = id } }
                return event
            }
            if hasEnded { return nil }
            guard let bytes = try await self.wire.take() else { return nil }
            try self.take(Array(bytes.readableBytesView))
        }
    }

    /// Takes the next event, which must have a name and say the same as its data.
    @discardableResult
    func expect(_ name: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> JSON.Value {
        let event = try #require(try await self.next(), "the stream ended", sourceLocation: sourceLocation)
        try #require(event.name == name, "\(event)", sourceLocation: sourceLocation)
        let message = try event.json()
        #expect(message["op"]?.string == name, sourceLocation: sourceLocation)
        return message
    }

    /// Sees the stream end, with no other event before.
    func expectEnd(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let event = try await self.next()
        #expect(event == nil, "\(String(describing: event))", sourceLocation: sourceLocation)
    }

    private func take(_ bytes: [UInt8]) throws {
        try self.state.withLock { state in
            state.chunks += bytes
            while let end = state.chunks.firstRange(of: [0x0D, 0x0A]) {
                let line = String(decoding: state.chunks[..<end.lowerBound], as: UTF8.self)
                let size = try #require(Int(line, radix: 16), "a chunk begins with its size: \(line)")
                guard state.chunks.count >= end.upperBound + size + 2 else { break }
                state.text += state.chunks[end.upperBound..<end.upperBound + size]
                state.chunks.removeFirst(end.upperBound + size + 2)
                if size == 0 { state.hasEnded = true }
            }
            var start = 0
            while let end = state.text[start...].firstRange(of: [0x0A, 0x0A]) {
                try Self.read(String(decoding: state.text[start..<end.lowerBound], as: UTF8.self), into: &state)
                start = end.upperBound
            }
            state.text.removeFirst(start)
        }
    }

    /// One event: its lines, without the empty one behind them.
    private static func read(_ block: String, into state: inout State) throws {
        var event = Event(name: "", data: "")
        for line in block.split(separator: "\n", omittingEmptySubsequences: false) {
            let parts = line.split(separator: ":", maxSplits: 1)
            let value = String(try #require(parts.count == 2 ? parts[1].dropFirst() : nil, "\(line)"))
            switch parts[0] {
            case "event": event.name = value
            case "id": event.id = value
            case "data": event.data += value
            case "retry": state.retries.append(try #require(Int(value)))
            default: Issue.record("a line that nobody knows: \(line)")
            }
        }
        if !event.data.isEmpty { state.events.append(event) }
    }
}

extension TestServer {
    /// Opens a stream and takes the welcome; with a token also the answer to that.
    func stream(
        _ query: String,
        token: String? = nil,
        from lastID: String? = nil,
        receiveBuffer: Int? = nil
    ) async throws -> EventSource {
        let fields = lastID.map { [(name: "Last-Event-ID", value: $0)] } ?? []
        let source = try await EventSource.open(
            Request("GET", "/stream?" + query, token: token, fields: fields),
            on: try await self.connect(receiveBuffer: receiveBuffer)
        )
        try await source.expect("welcome")
        if token != nil || query.contains("access_token=") { try await source.expect("authenticated") }
        return source
    }
}
