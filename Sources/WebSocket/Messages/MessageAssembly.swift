// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Puts messages together from data frames (RFC 6455 §5.4), decompresses them (RFC 7692 §6.2) and checks text as it
/// arrives (RFC 6455 §8.1).
///
/// The limits hold for what is on the wire as well as for what it decompresses to.
///
/// Order of calls for each frame: the header, then either ``receivedWhole(_:)``, or ``receivedPart(_:mask:position:)``
/// for each piece of its payload and ``receivedEnd()`` if the frame is final.
struct MessageAssembly: Sendable {
    /// The two kinds of message.
    enum Kind: Sendable {
        case text, binary
    }

    private enum State: Sendable {
        /// Between messages. → `single`, `fragmented`
        case idle
        /// In a message of one frame. → `idle`
        case single(Kind)
        /// In or between the frames of a fragmented message. → `fragmented`, `idle`
        case fragmented(Kind, count: Int, bytes: Int)
    }

    private let limits: Endpoint.Limits
    private var state = State.idle
    private var text = UTF8Validator()
    private var payload = ByteBuffer()
    private var inflation: Inflation?
    /// Whether the message under way is compressed.
    private var isCompressed = false

    /// - Parameter inflation: Where compression was agreed on; RSV1 must not be set elsewhere.
    init(limits: Endpoint.Limits, inflation: Inflation? = nil) {
        self.limits = limits
        self.inflation = inflation
    }

    /// Takes the header of a text or binary frame.
    mutating func receivedStart(_ kind: Kind, _ header: FrameHeader) throws(Violation) {
        switch state {
        case .idle:
            break
        case .single, .fragmented:
            throw .messageInterrupted(by: header.opcode)
        }
        try check(bytes: header.payloadLength)
        state = header.isFinal ? .single(kind) : .fragmented(kind, count: 1, bytes: header.payloadLength)
        isCompressed = header.reservedBits.contains(.rsv1)
    }

    /// Takes the header of a continuation frame.
    mutating func receivedContinuation(_ header: FrameHeader) throws(Violation) {
        switch state {
        case .idle, .single:
            throw .unexpectedContinuation
        case .fragmented(let kind, let count, let bytes):
            guard count < limits.fragments else {
                throw .tooManyFragments(limit: limits.fragments)
            }
            let (total, overflow) = bytes.addingReportingOverflow(header.payloadLength)
            try check(bytes: overflow ? .max : total)
            state = .fragmented(kind, count: count + 1, bytes: total)
        }
    }

    private func check(bytes: Int) throws(Violation) {
        guard bytes <= limits.messageBytes else {
            throw .messageTooLarge(bytes: bytes, limit: limits.messageBytes)
        }
    }

    /// Whether the frame whose header came last is a whole message, of which nothing is kept yet.
    var isUnfragmented: Bool {
        switch state {
        case .single: payload.readableBytes == 0
        case .idle, .fragmented: false
        }
    }

    /// Takes the unmasked payload of an unfragmented message and returns the message.
    mutating func receivedWhole(_ whole: ByteBuffer) throws(Violation) -> Endpoint.Event? {
        if isCompressed {
            try inflation?.receive(whole, into: &payload, limit: limits.messageBytes)
        } else {
            payload = whole
        }
        try checkText(from: 0)
        return try receivedEnd()
    }

    /// Takes the next bytes of a payload, still masked with `mask` from `position` on.
    mutating func receivedPart(_ part: ByteBuffer, mask: MaskKey?, position: Int) throws(Violation) {
        let start = payload.readableBytes
        if isCompressed {
            var part = part
            mask?.apply(to: &part, position: position)
            try inflation?.receive(part, into: &payload, limit: limits.messageBytes)
        } else {
            payload.writeImmutableBuffer(part)
            mask?.apply(to: &payload, from: start, position: position)
        }
        try checkText(from: start)
    }

    private mutating func checkText(from start: Int) throws(Violation) {
        switch state {
        case .single(.text), .fragmented(.text, _, _):
            if let offset = text.firstFault(in: payload, from: start) {
                throw .textNotUTF8(offset: offset)
            }
        case .idle, .single(.binary), .fragmented(.binary, _, _):
            break
        }
    }

    /// Takes the end of a final frame and returns the message, `nil` if none was under way.
    mutating func receivedEnd() throws(Violation) -> Endpoint.Event? {
        let kind: Kind
        switch state {
        case .idle: return nil
        case .single(let single): kind = single
        case .fragmented(let fragmented, _, _): kind = fragmented
        }
        if isCompressed {
            let start = payload.readableBytes
            try inflation?.receiveEnd(into: &payload, limit: limits.messageBytes)
            try checkText(from: start)
            isCompressed = false
        }
        let message = payload
        guard text.isComplete else { throw .textEndsInsideCharacter }
        state = .idle
        payload = ByteBuffer()
        switch kind {
        case .text: return .text(message)
        case .binary: return .binary(message)
        }
    }

    /// Forgets the message under way and frees its bytes.
    mutating func reset() {
        state = .idle
        text = UTF8Validator()
        payload = ByteBuffer()
        inflation?.reset()
        isCompressed = false
    }
}
