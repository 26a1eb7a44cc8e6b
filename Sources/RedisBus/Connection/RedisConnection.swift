// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// One connection to Redis, from connecting to its end.
///
/// Confined to its event loop. Sends `PING` to keep the connection alive. Nothing is read while paused.
final class RedisConnection {
    private enum Phase {
        /// Waiting for TCP. → `greeting`, `ended`
        case connecting
        /// The greeting is sent; waiting for its replies. → `open`, `ended`
        case greeting(Greeting)
        /// Commands and messages flow. → `ended`
        case open
        /// The receiver has been notified. Final.
        case ended
    }

    private let loop: any EventLoop
    private let options: RedisOptions
    private let opening: String
    private var greeting: Greeting
    private var phase = Phase.connecting
    private var reader: RedisReader
    private var receiver: (any RedisReceiver)?
    private var context: ChannelHandlerContext?
    private var timer: Scheduled<Void>?
    private var lastHeard = NIODeadline.now()
    private var isPaused = false
    private var isReadPending = false

    init(
        on loop: any EventLoop,
        address: RedisAddress,
        options: RedisOptions,
        opening: RedisOpening,
        receiver: any RedisReceiver
    ) throws(RedisFault) {
        self.reader = try RedisReader(limits: options.limits)
        self.loop = loop
        self.options = options
        self.opening = opening.name
        self.greeting = Greeting(address: address, name: options.name, opening: opening)
        self.receiver = receiver
        self.timer = loop.assumeIsolated().scheduleTask(in: options.connectTimeout) { self.connectTimedOut() }
    }

    /// Whether more can be sent without buffering here.
    var isWritable: Bool {
        guard case .open = self.phase else { return false }
        return self.context?.channel.isWritable ?? false
    }

    /// Sends a formatted command; does nothing unless the connection is open.
    func send(_ command: ByteBuffer) {
        guard case .open = self.phase else { return }
        self.context?.write(NIOAny(command), promise: nil)
    }

    func flush() {
        self.context?.flush()
    }

    /// Stops reading until ``resume()``; data already read is still delivered.
    func pause() {
        self.isPaused = true
    }

    /// Continues reading after ``pause()``.
    func resume() {
        guard self.isPaused else { return }
        self.isPaused = false
        self.lastHeard = .now()
        guard self.isReadPending else { return }
        self.isReadPending = false
        self.context?.read()
    }

    func end(_ ending: RedisEnding) {
        if case .ended = self.phase { return }
        self.phase = .ended
        self.timer?.cancel()
        self.timer = nil
        let receiver = self.receiver
        self.receiver = nil
        self.context?.close(promise: nil)
        receiver?.ended(ending)
    }

    // MARK: - Channel handler

    func failedToConnect(_ error: any Error) {
        switch error {
        case ChannelError.connectTimeout: self.connectTimedOut()
        default: self.end(.unreachable(RedisEnding.text(of: error)))
        }
    }

    private func connectTimedOut() {
        self.end(.timedOut(milliseconds: Int(self.options.connectTimeout.nanoseconds / 1_000_000)))
    }

    private func received(_ bytes: ByteBuffer) {
        self.lastHeard = .now()
        unsafe bytes.withUnsafeReadableBytes { unsafe self.reader.feed($0) }
        do throws(RedisFault) {
            while let value = try self.reader.next() {
                self.received(value)
                if case .ended = self.phase { return }
            }
        } catch {
            self.end(.fault(error))
        }
    }

    private func received(_ value: RedisValue) {
        switch self.phase {
        case .greeting(var greeting):
            let answer = greeting.receive(value)
            self.phase = .greeting(greeting)
            switch answer {
            case .needMore: break
            case .message: self.receiver?.received(value, from: self)
            case .failed(let ending): self.end(ending)
            case .complete: self.open()
            }
        case .open:
            switch value {
            case .error(let words):
                self.end(.refused(command: self.opening, reply: words))
            case .simple("PONG"):
                break
            case .array(let parts) where parts.first?.isBulk("pong") == true:
                break
            case .simple, .integer, .bulk, .array, .null:
                self.receiver?.received(value, from: self)
            }
        case .connecting, .ended:
            break
        }
    }

    private func open() {
        self.phase = .open
        self.timer?.cancel()
        self.scheduleTick()
        self.receiver?.opened(self)
    }

    private func scheduleTick() {
        self.timer = self.loop.assumeIsolated().scheduleTask(in: .nanoseconds(self.options.pingAfter.nanoseconds / 2)) {
            self.tick()
        }
    }

    private func tick() {
        guard case .open = self.phase else { return }
        let mute = NIODeadline.now() - self.lastHeard
        if self.isPaused {
            // Replies may be waiting in the socket.
        } else if mute >= self.options.silence {
            return self.end(.silent(milliseconds: Int(mute.nanoseconds / 1_000_000)))
        } else if mute >= self.options.pingAfter, self.isWritable {
            self.send(RedisCommand.format(["PING"]))
            self.flush()
        }
        self.scheduleTick()
    }
}

extension RedisConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        guard case .connecting = self.phase else {
            // Abandoned while connecting.
            return context.close(promise: nil)
        }
        self.phase = .greeting(self.greeting)
        context.writeAndFlush(NIOAny(self.greeting.request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.received(Self.unwrapInboundIn(data))
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if self.isWritable { self.receiver?.becameWritable(self) }
    }

    func read(context: ChannelHandlerContext) {
        if self.isPaused {
            self.isReadPending = true
        } else {
            context.read()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.end(.lost("the server closed it"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch self.phase {
        case .connecting, .greeting: self.end(.unreachable(RedisEnding.text(of: error)))
        case .open: self.end(.lost(RedisEnding.text(of: error)))
        case .ended: break
        }
    }
}

/// Receives the events of a connection to Redis.
///
/// All methods are called on the connection's event loop, in order; none may block.
protocol RedisReceiver: AnyObject, Sendable {
    /// The greeting is complete; commands can be sent.
    func opened(_ connection: RedisConnection)

    /// A reply or a message, except replies to keep-alive; messages may arrive before ``opened(_:)``.
    func received(_ value: RedisValue, from connection: RedisConnection)

    /// ``RedisConnection/isWritable`` may have become true.
    func becameWritable(_ connection: RedisConnection)

    /// The connection has ended or could not be opened. Final.
    func ended(_ ending: RedisEnding)
}
