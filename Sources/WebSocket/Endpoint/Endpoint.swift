// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// One side of a WebSocket connection after the opening handshake: bytes in, events and bytes out.
///
/// A value without I/O, clock or randomness. Give it what the socket read with ``receive(_:)``, then take events with
/// ``next()`` until there are none. Everything it wants to say comes back as bytes to be written in order, either
/// from the sending methods or as the reply inside an event.
///
/// Deadlines are for the caller: a peer that never finishes a frame, or never answers a close, is waited for.
package struct Endpoint: Sendable {
    /// How far the connection has come.
    package enum State: Sendable, Hashable {
        /// Messages flow both ways. → `closing`, `closed`
        case open
        /// Our close frame is out and the peer's is awaited; messages of the peer are skipped. → `closed`
        case closing
        /// Nothing more is sent and whatever comes is dropped. Final.
        case closed
    }

    /// How far the connection has come.
    package private(set) var state = State.open

    var role: Role
    private let decoder: FrameHeaderDecoder
    private var reading = Reading.header
    private var assembly: MessageAssembly
    var deflation: Deflation?
    private var input = ByteBuffer()

    /// Where in the stream of frames the next byte of the peer belongs.
    ///
    /// Every case leads back to `header`.
    private enum Reading: Sendable {
        /// In a frame header.
        case header
        /// In the payload of a control frame, which is taken as a whole.
        case control(FrameHeader)
        /// In the payload of a data frame, of which `done` bytes were passed on.
        case data(FrameHeader, done: Int)
        /// In a payload nobody wants.
        case skipping(left: Int)
    }

    /// Creates an endpoint for a connection whose opening handshake is complete.
    ///
    /// - Parameters:
    ///   - role: Which side this is.
    ///   - limits: What the peer may send.
    ///   - compression: What the handshake agreed on, if it did.
    package init(role: Role, limits: Limits = Limits(), compression: Compression? = nil) {
        self.role = role
        deflation = compression?.outgoing
        let extensions = compression == nil ? Extensions.none : Extensions(messageBits: .rsv1)
        decoder = FrameHeaderDecoder(from: role.peer, extensions: extensions, maximumPayload: limits.frameBytes)
        assembly = MessageAssembly(limits: limits, inflation: compression?.incoming)
    }

    /// Takes bytes read from the peer.
    ///
    /// They are kept until ``next()`` has returned `nil`.
    package mutating func receive(_ bytes: consuming ByteBuffer) {
        if input.readableBytes == 0 {
            input = bytes
        } else {
            var joined = ByteBufferAllocator().buffer(capacity: input.readableBytes + bytes.readableBytes)
            joined.writeBuffer(&input)
            joined.writeBuffer(&bytes)
            input = joined
        }
    }

    /// Returns the next event in the bytes received, `nil` when more are needed.
    package mutating func next() -> Event? {
        do throws(Violation) {
            while true {
                switch try step() {
                case .again: continue
                case .event(let event): return event
                case .starved: return nil
                }
            }
        } catch {
            let reply: ByteBuffer?
            switch state {
            case .open: reply = closeFrame(Close(error.closeCode, reason: error.description))
            case .closing, .closed: reply = nil
            }
            end()
            return .failed(error, reply: reply)
        }
    }

    private enum OnStep {
        case again
        case event(Event)
        case starved
    }

    private mutating func step() throws(Violation) -> OnStep {
        switch state {
        case .open, .closing:
            break
        case .closed:
            input = ByteBuffer()
            return .starved
        }
        switch reading {
        case .header:
            guard let header = try decoder.next(from: &input) else {
                // Not an optimisation: a drained buffer would keep its read's storage alive on an idle connection.
                if input.readableBytes == 0 {
                    input = ByteBuffer()
                }
                return .starved
            }
            try receivedHeader(header)
            return .again
        case .control(let header):
            guard let payload = takePayload(header) else { return .starved }
            reading = .header
            return try receivedControl(header.opcode, payload).map { .event($0) } ?? .again
        case .data(let header, let done):
            return try receivedData(header, done: done)
        case .skipping(let left):
            let taken = min(left, input.readableBytes)
            input.moveReaderIndex(forwardBy: taken)
            reading = taken == left ? .header : .skipping(left: left - taken)
            return taken == left ? .again : .starved
        }
    }

    private mutating func receivedHeader(_ header: FrameHeader) throws(Violation) {
        if header.opcode.isControl {
            reading = .control(header)
            return
        }
        switch state {
        case .open:
            break
        case .closing, .closed:
            reading = .skipping(left: header.payloadLength)
            return
        }
        switch header.opcode {
        case .text: try assembly.receivedStart(.text, header)
        case .binary: try assembly.receivedStart(.binary, header)
        case .continuation, .close, .ping, .pong: try assembly.receivedContinuation(header)
        }
        reading = .data(header, done: 0)
    }

    private mutating func receivedData(_ header: FrameHeader, done: Int) throws(Violation) -> OnStep {
        if done == 0, assembly.isUnfragmented, let payload = takePayload(header) {
            reading = .header
            return try assembly.receivedWhole(payload).map { .event($0) } ?? .again
        }
        let length = min(header.payloadLength - done, input.readableBytes)
        if let part = input.readSlice(length: length) {
            try assembly.receivedPart(part, mask: header.mask, position: done)
        }
        guard done + length == header.payloadLength else {
            reading = .data(header, done: done + length)
            input = ByteBuffer()
            return .starved
        }
        reading = .header
        guard header.isFinal else { return .again }
        return try assembly.receivedEnd().map { .event($0) } ?? .again
    }

    /// Takes a whole payload off the input and unmasks it, `nil` while it is incomplete.
    private mutating func takePayload(_ header: FrameHeader) -> ByteBuffer? {
        let length = header.payloadLength
        guard input.readableBytes >= length else { return nil }
        guard let mask = header.mask else { return input.readSlice(length: length) }
        // In place if nobody else holds the storage. If someone does, as NIO's pool of read buffers always does,
        // masking the slice copies just the payload, where masking the input would copy the whole read.
        let isDone: Void? = input.modifyIfUniquelyOwned { mask.apply(to: &$0, in: 0..<length, position: 0) }
        guard var payload = input.readSlice(length: length) else { return nil }
        if isDone == nil {
            mask.apply(to: &payload)
        }
        return payload
    }

    private mutating func receivedControl(_ opcode: Opcode, _ payload: ByteBuffer) throws(Violation) -> Event? {
        switch opcode {
        case .ping:
            // Also while closing: RFC 6455 §5.5.2 excuses only who has *received* a close frame.
            return .ping(payload, pong: encode(.pong, payload))
        case .pong:
            return .pong(payload)
        case .close:
            let close = try Close(payload: payload)
            let reply: ByteBuffer?
            switch state {
            case .open: reply = closeFrame(Close(close.code))
            case .closing, .closed: reply = nil
            }
            end()
            return .closed(close, reply: reply)
        case .continuation, .text, .binary:
            return nil
        }
    }

    /// What the end of the TCP connection means.
    package enum OnEnd: Sendable, Hashable {
        /// Nothing new: the peer's close frame or its violation was reported before.
        case alreadyClosed
        /// The peer went without a close frame: code 1006 (RFC 6455 §7.1.5).
        case abnormal(Close)
    }

    /// Takes the end of the peer's bytes.
    ///
    /// Call it after the last ``next()``.
    package mutating func receivedEnd() -> OnEnd {
        switch state {
        case .open, .closing:
            end()
            return .abnormal(Close(.abnormal))
        case .closed:
            return .alreadyClosed
        }
    }

    /// Starts the closing handshake; nothing is sent after it.
    ///
    /// Wait for ``Event/closed(_:reply:)`` for a while, then close the TCP connection.
    ///
    /// - Parameters:
    ///   - code: A code that must not be on the wire makes a close frame without code and reason.
    ///   - reason: Cut to ``Close/maximumReason`` bytes, between characters.
    /// - Returns: The close frame, `nil` where one was sent or received before.
    package mutating func close(_ code: CloseCode = .normal, reason: String = "") -> ByteBuffer? {
        switch state {
        case .open:
            let frame = closeFrame(Close(code, reason: reason))
            state = .closing
            switch reading {
            case .data(let header, let done): reading = .skipping(left: header.payloadLength - done)
            case .header, .control, .skipping: break
            }
            assembly.reset()
            return frame
        case .closing, .closed:
            return nil
        }
    }

    private mutating func closeFrame(_ close: Close) -> ByteBuffer {
        encode(.close, close.payload)
    }

    private mutating func end() {
        state = .closed
        reading = .header
        assembly.reset()
        input = ByteBuffer()
    }
}

extension Endpoint {
    /// What came out of the bytes of the peer.
    ///
    /// Buffers may share storage with the bytes received: copy what is kept for long.
    package enum Event: Sendable, Hashable {
        /// A text message; its payload is UTF-8.
        case text(ByteBuffer)
        /// A binary message.
        case binary(ByteBuffer)
        /// A ping. Write `pong` as it is: it is the whole answer (RFC 6455 §5.5.3).
        case ping(ByteBuffer, pong: ByteBuffer)
        /// An answer to a ping of ours, or a heartbeat nobody asked for.
        case pong(ByteBuffer)
        /// The closing handshake is complete once `reply` is written; it is `nil` where our close frame was first.
        ///
        /// A server then closes the TCP connection, a client waits for that (RFC 6455 §7.1.1). No event follows.
        case closed(Close, reply: ByteBuffer?)
        /// The peer broke the rules. Write `reply`, if there is one, and close the TCP connection without waiting
        /// for an answer (RFC 6455 §7.1.7). No event follows.
        case failed(Violation, reply: ByteBuffer?)
    }
}

extension Endpoint {
    /// How much a peer may send before its connection is failed.
    ///
    /// Messages are held whole, so these bound memory.
    package struct Limits: Sendable, Hashable {
        /// Largest payload of one data frame, in bytes.
        ///
        /// A larger one is refused on its header.
        package var frameBytes: Int
        /// Largest message, in bytes over all its fragments.
        ///
        /// Its buffer grows in powers of two, so one connection can hold up to twice this.
        package var messageBytes: Int
        /// Largest number of frames in one message.
        ///
        /// Bounds the work empty fragments can cause.
        package var fragments: Int

        /// Creates limits; the defaults suit a server of small messages.
        package init(frameBytes: Int = 64 * 1024, messageBytes: Int = 64 * 1024, fragments: Int = 1024) {
            self.frameBytes = frameBytes
            self.messageBytes = messageBytes
            self.fragments = fragments
        }
    }
}

extension Endpoint {
    /// Which side of the connection an endpoint is.
    package enum Role: Sendable {
        /// Sends without masks and requires them.
        case server
        /// Masks every frame with the next of these keys, and refuses masked ones.
        case client(masks: MaskGenerator)

        /// Who is on the other side.
        var peer: FrameHeaderDecoder.Sender {
            switch self {
            case .server: .client
            case .client: .server
            }
        }

        /// Returns the key for the next frame to be sent, if it needs one.
        mutating func nextMask() -> MaskKey? {
            switch self {
            case .server:
                return nil
            case .client(var masks):
                let key = masks.next()
                self = .client(masks: masks)
                return key
            }
        }
    }
}
