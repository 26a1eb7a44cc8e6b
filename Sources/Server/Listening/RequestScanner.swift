// SPDX-License-Identifier: Apache-2.0

import NIOCore
import WebSocket

/// Finds the boundaries of requests in an HTTP/1.1 byte stream (RFC 9112), for an HTTP codec behind it.
///
/// Passes only bytes that every codec must interpret in the same way. If the codec or a proxy is more lenient, one side
/// could take for a body what the other takes for a request (request smuggling). A head is passed as a whole, once it
/// is valid; bytes of a body are passed as they arrive. A value without I/O or clock: the caller handles deadlines.
struct RequestScanner: Sendable {
    /// Scan results, in order. Bytes are for the codec.
    enum Event: Equatable {
        case head(RequestHead, ByteBuffer)
        case body(ByteBuffer)
        /// The request is complete.
        case end
        /// Everything after it is ignored.
        case fault(RequestFault)
    }

    /// The part of the stream being read.
    enum Phase: Equatable {
        /// Between two requests, before the first byte of the next one.
        case idle
        case head
        case body
        /// After a fault or the last request. Final.
        case over
    }

    private enum State: Sendable, Equatable {
        /// Before or in a head. → `sized`, `chunked`, `done`
        case head(HeadScanner)
        /// In a body of known length. → `done`
        case sized(left: Int)
        /// In a body of chunks. → `done`
        case chunked(ChunkReader)
        /// After a request. → `head`, `over`
        case done
        /// After a fault or the last request. Final.
        case over
    }

    /// Enough for large cookies and tokens.
    static let headLimits = HeadLimits(bytes: 16 << 10, fields: 100)

    private let limits: HeadLimits
    private var state: State
    private var isLast = false
    private var input = ByteBuffer()

    init(limits: HeadLimits = Self.headLimits) {
        self.limits = limits
        self.state = .head(HeadScanner(limits: limits))
    }

    var phase: Phase {
        switch self.state {
        case .head: self.input.readableBytes == 0 ? .idle : .head
        case .sized, .chunked: .body
        case .done: .idle
        case .over: .over
        }
    }

    /// Adds bytes from the client; call ``next()`` afterwards until it returns nil.
    mutating func receive(_ bytes: ByteBuffer) {
        if self.input.readableBytes == 0 {
            self.input = bytes
        } else {
            self.input.writeImmutableBuffer(bytes)
        }
    }

    /// Returns the next result; nil if more bytes are needed.
    mutating func next() -> Event? {
        do throws(RequestFault) {
            return try self.step()
        } catch {
            self.state = .over
            self.input = ByteBuffer()
            return .fault(error)
        }
    }

    /// Ends the scan after a head, and returns the bytes behind it, which are for another protocol.
    mutating func takeRest() -> ByteBuffer {
        defer { self.input = ByteBuffer() }
        self.state = .over
        return self.input
    }

    private mutating func step() throws(RequestFault) -> Event? {
        switch self.state {
        case .head(var scanner):
            let length: Int?
            do throws(HeadFault) {
                length = try scanner.scan(self.input.readableBytesUInt8Span)
            } catch {
                throw .head(error)
            }
            guard let length else {
                self.state = .head(scanner)
                return nil
            }
            let head = try RequestHead(self.input.readableBytesUInt8Span.extracting(0..<length))
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
            self.state = self.isLast ? .over : .head(HeadScanner(limits: self.limits))
            // Not an optimization: an empty buffer would keep its storage alive on an idle connection.
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
