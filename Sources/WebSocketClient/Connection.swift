// SPDX-License-Identifier: Apache-2.0

import JSON
package import NIOCore
import WebSocket

/// One WebSocket connection to a server, from connecting to its end.
///
/// Lives on its event loop; every method is called there.
///
/// Answers pings by itself. Does not buffer: what arrives goes to the receiver at once, and nothing is read while
/// paused, so that a slow receiver slows down the server's writes to it and nothing else.
package final class Connection {
    private enum Phase {
        /// Waiting for TCP. → `upgrading`, `ended`
        case connecting(WebSocket.ClientHandshake)
        /// Waiting for the server's answer. → `open`, `ended`
        case upgrading(WebSocket.ClientHandshake)
        /// Messages flow. → `closing`, `ended`
        case open
        /// Our close frame is out; waiting for the server's. → `ended`
        case closing
        /// The receiver was notified. Final.
        case ended
    }

    /// The loop that everything happens on.
    package let loop: any EventLoop
    /// When bytes were last read, or when connecting began.
    ///
    /// All messages of one read have this time of arrival.
    package private(set) var lastHeard: NIODeadline
    /// Whether reading is paused.
    package private(set) var isPaused = false

    private var phase: Phase
    private var endpoint: WebSocket.Endpoint
    private let connector: Connector
    private let closeTimeout: TimeAmount
    private let timeout: TimeAmount
    private var receiver: (any ConnectionReceiver)?
    private var context: ChannelHandlerContext?
    private var deadline: Scheduled<Void>?
    private var isReadPending = false
    private var isDraining = false

    init(
        on loop: any EventLoop,
        offer: WebSocket.ClientHandshake.Offer,
        connector: Connector,
        receiver: any ConnectionReceiver
    ) {
        self.connector = connector
        self.loop = loop
        self.phase = .connecting(WebSocket.ClientHandshake(offer))
        self.endpoint = Self.endpoint(of: connector, compression: nil)
        self.closeTimeout = connector.closeTimeout
        self.timeout = connector.timeout
        self.receiver = receiver
        self.lastHeard = .now()
        self.deadline = loop.assumeIsolated().scheduleTask(in: connector.timeout) { self.deadlinePassed() }
    }

    private static func endpoint(
        of connector: Connector,
        compression: WebSocket.Compression?
    ) -> WebSocket.Endpoint {
        let masks: WebSocket.MaskGenerator
        if connector.usesPredictableMasks {
            masks = WebSocket.MaskGenerator(seed: .random(in: .min ... .max))
        } else {
            masks = WebSocket.MaskGenerator { .random(in: .min ... .max) }
        }
        return WebSocket.Endpoint(role: .client(masks: masks), limits: connector.limits, compression: compression)
    }

    /// Whether messages can be sent.
    package var isOpen: Bool {
        switch self.phase {
        case .open: true
        case .connecting, .upgrading, .closing, .ended: false
        }
    }

    /// Sends a text message, which must be UTF-8; does nothing unless the connection is open.
    package func send(_ text: ByteBuffer) {
        guard case .open = self.phase, let frame = self.endpoint.send(text: text) else { return }
        self.write(frame)
    }

    /// Sends an unsolicited pong, so that the server receives something from a client that does not read.
    package func sendKeepAlive() {
        guard case .open = self.phase, let frame = self.endpoint.pong() else { return }
        self.write(frame)
    }

    /// Stops reading: nothing reaches the receiver until ``resume()``, not even the end of the connection.
    package func pause() {
        self.isPaused = true
    }

    /// Resumes reading after ``pause()``.
    package func resume() {
        guard self.isPaused else { return }
        self.isPaused = false
        self.drain()
        guard !self.isPaused, self.isReadPending else { return }
        self.isReadPending = false
        self.context?.read()
    }

    /// Ends the connection: with a closing handshake where it is open, at once elsewhere.
    package func close(code: UInt16 = 1000, reason: String = "") {
        switch self.phase {
        case .connecting, .upgrading:
            self.end(.closed(code: code, reason: reason))
        case .open:
            guard let frame = self.endpoint.close(WebSocket.CloseCode(rawValue: code), reason: reason) else { return }
            self.phase = .closing
            self.write(frame)
            self.deadline = self.loop.assumeIsolated().scheduleTask(in: self.closeTimeout) { self.deadlinePassed() }
            self.resume()
        case .closing, .ended:
            break
        }
    }

    /// Ends the connection without a close frame, for a peer that is considered dead.
    package func abandon(_ ending: Ending) {
        self.end(ending)
    }

    // MARK: - Channel handler

    func failedToConnect(_ error: any Error) {
        switch error {
        case ChannelError.connectTimeout: self.deadlinePassed()
        default: self.end(.unreachable(SystemText.describe(error)))
        }
    }

    private func deadlinePassed() {
        switch self.phase {
        case .connecting, .upgrading: self.end(.timedOut(milliseconds: Int(self.timeout.nanoseconds / 1_000_000)))
        case .closing: self.end(.closed(code: 1006, reason: "no answer to the close frame"))
        case .open, .ended: break
        }
    }

    private func received(_ bytes: ByteBuffer) {
        self.lastHeard = .now()
        switch self.phase {
        case .connecting, .ended:
            break
        case .upgrading(var handshake):
            let answer = handshake.receive(bytes)
            self.phase = .upgrading(handshake)
            self.perform(answer)
        case .open, .closing:
            self.endpoint.receive(bytes)
            self.drain()
        }
    }

    private func perform(_ answer: WebSocket.ClientHandshake.OnBytes) {
        switch answer {
        case .needMore:
            break
        case .accepted(let response, let rest):
            do throws(WebSocket.DeflateFault) {
                if let compression = try self.connector.compression(agreedIn: response.extensions) {
                    self.endpoint = Self.endpoint(of: self.connector, compression: compression)
                }
            } catch {
                return self.end(.handshake(error.description))
            }
            self.deadline?.cancel()
            self.deadline = nil
            self.phase = .open
            self.endpoint.receive(rest)
            self.receiver?.connectionOpened()
            self.drain()
        case .failed(.rejected(let status, let reason, let fields, _)):
            let retryAfter = fields["retry-after"].flatMap { Int(decimal: $0, in: .seq) }
            self.end(.refused(status: status, reason: reason, retryAfter: retryAfter))
        case .failed(let failure):
            self.end(.handshake(failure.description))
        }
    }

    /// Hands over what has arrived.
    ///
    /// Not re-entered: the receiver may resume while it is being called.
    private func drain() {
        guard !self.isDraining else { return }
        self.isDraining = true
        defer { self.isDraining = false }
        while !self.isPaused, let event = self.endpoint.next() {
            switch event {
            case .text(let text):
                self.receiver?.connectionReceived(text)
            case .ping(_, let pong):
                self.write(pong)
            case .pong:
                break
            case .binary:
                if let frame = self.endpoint.close(.unsupportedData) { self.write(frame) }
                self.end(.violation("a binary message"))
            case .closed(let close, let reply):
                if let reply { self.write(reply) }
                self.end(.closed(code: close.code.rawValue, reason: close.reason))
            case .failed(let violation, let reply):
                if let reply { self.write(reply) }
                self.end(.violation(violation.description))
            }
        }
    }

    private func inputEnded() {
        // What came before the end is bounded by one read; it is delivered even if the receiver had paused.
        self.isPaused = false
        self.drain()
        self.end(.closed(code: 1006, reason: ""))
    }

    private func write(_ bytes: ByteBuffer) {
        self.context?.writeAndFlush(NIOAny(bytes), promise: nil)
    }

    private func end(_ ending: Ending) {
        if case .ended = self.phase { return }
        self.phase = .ended
        self.deadline?.cancel()
        self.deadline = nil
        let receiver = self.receiver
        self.receiver = nil
        self.context?.close(promise: nil)
        receiver?.connectionEnded(ending)
    }
}

extension Connection: ChannelDuplexHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    package func channelActive(context: ChannelHandlerContext) {
        guard case .connecting(let handshake) = self.phase else {
            // Closed while connecting.
            return context.close(promise: nil)
        }
        self.phase = .upgrading(handshake)
        self.write(handshake.request)
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.received(Self.unwrapInboundIn(data))
    }

    package func read(context: ChannelHandlerContext) {
        if self.isPaused {
            self.isReadPending = true
        } else {
            context.read()
        }
    }

    package func channelInactive(context: ChannelHandlerContext) {
        self.inputEnded()
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch self.phase {
        case .connecting, .upgrading: self.end(.unreachable(SystemText.describe(error)))
        case .open, .closing: self.end(.closed(code: 1006, reason: SystemText.describe(error)))
        case .ended: break
        }
    }
}
