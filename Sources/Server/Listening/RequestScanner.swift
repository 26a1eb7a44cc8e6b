// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Finds where requests begin and end in the bytes of an HTTP/1.1 connection (RFC 9112), for an HTTP codec behind it.
///
/// Lets through only what every codec must understand in the same way: where the codec, or a proxy in front, is more
/// lenient, one side could take for a body what the other takes for a request (request smuggling). A head is let through
/// whole, once it was found to be good; of a body the bytes are let through as they come. A value without I/O or clock:
/// deadlines are for the caller.
struct RequestScanner: Sendable {
    /// What is found, in order. Bytes belong to the codec.
    enum Event: Equatable {
        case head(RequestHead, ByteBuffer)
        case body(ByteBuffer)
        /// The request is complete.
        case end
        /// Nothing that follows is looked at.
        case fault(RequestFault)
    }

    /// What of the stream is being read.
    enum Phase: Equatable {
        /// Between two requests; nothing of the next one has come.
        case idle
        case head
        case body
        /// After a fault or the last request. Final.
        case over
    }

    private enum State: Sendable, Equatable {
        /// Before or in a head. → `sized`, `chunked`, `done`
        case head(HeadLines)
        /// In a body of known length. → `done`
        case sized(left: Int)
        /// In a body of chunks. → `done`
        case chunked(ChunkReader)
        /// After a request. → `head`, `over`
        case done
        /// After a fault or the last request. Final.
        case over
    }

    private let limits: RequestHead.Limits
    private var state: State
    private var isLast = false
    private var input = ByteBuffer()

    init(limits: RequestHead.Limits = RequestHead.Limits()) {
        self.limits = limits
        self.state = .head(HeadLines())
    }

    var phase: Phase {
        switch self.state {
        case .head: self.input.readableBytes == 0 ? .idle : .head
        case .sized, .chunked: .body
        case .done: .idle
        case .over: .over
        }
    }

    /// Takes bytes of the client; ``next()`` is then to be called until it returns nil.
    mutating func receive(_ bytes: ByteBuffer) {
        if self.input.readableBytes == 0 {
            self.input = bytes
        } else {
            self.input.writeImmutableBuffer(bytes)
        }
    }

    /// Returns what was found next in the bytes received; nil when more are needed.
    mutating func next() -> Event? {
        do throws(RequestFault) {
            return try self.step()
        } catch {
            self.state = .over
            self.input = ByteBuffer()
            return .fault(error)
        }
    }

    private mutating func step() throws(RequestFault) -> Event? {
        switch self.state {
        case .head(var lines):
            guard let length = try lines.scan(self.input.readableBytesUInt8Span, limit: self.limits.bytes) else {
                self.state = .head(lines)
                return nil
            }
            let head = try RequestHead(self.input.readableBytesUInt8Span.extracting(0..<length), limits: self.limits)
            self.state = Self.body(of: head)
            self.isLast = head.isLast
            return .head(head, self.input.readSlice(length: length) ?? ByteBuffer())
        case .sized(let left):
            let count = min(left, self.input.readableBytes)
            guard count > 0 else { return nil }
            self.state = count == left ? .done : .sized(left: left - count)
            return .body(self.input.readSlice(length: count) ?? ByteBuffer())
        case .chunked(var reader):
            let count = try reader.scan(self.input.readableBytesUInt8Span)
            guard count > 0 else { return nil }
            self.state = reader.isAtEnd ? .done : .chunked(reader)
            return .body(self.input.readSlice(length: count) ?? ByteBuffer())
        case .done:
            self.state = self.isLast ? .over : .head(HeadLines())
            // Not an optimisation: a drained buffer would keep its read's storage alive on an idle connection.
            if self.input.readableBytes == 0 { self.input = ByteBuffer() }
            return .end
        case .over:
            self.input = ByteBuffer()
            return nil
        }
    }

    private static func body(of head: RequestHead) -> State {
        switch head.body {
        case .none, .length(0): .done
        case .length(let length): .sized(left: length)
        case .chunked: .chunked(ChunkReader())
        }
    }
}
