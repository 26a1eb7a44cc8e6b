// SPDX-License-Identifier: Apache-2.0

import JSON
package import NIOCore
import NIOPosix

/// Provides a token: called at every connect, and before the present one expires.
///
/// Should answer within seconds.
///
/// One that returns the same token again is not called before the next connect.
public typealias TokenProvider = @Sendable () async throws -> String

/// Follows channels of a hub over as many connections as it takes: connects, authenticates, subscribes, resumes where
/// the last connection ended, and reports gaps instead of hiding them.
///
///     let subscriber = try Subscriber(to: address, subscriptions: [Subscription("rateChange:BTC/USDT")])
///     try await subscriber.run { updates in
///         for await update in updates { … }
///     }
///
/// An actor on an event loop, the one its connection lives on. ``Machine`` decides; this performs.
public actor Subscriber {
    /// How a subscriber behaves.
    public struct Options: Sendable {
        /// Updates kept for a consumer that does not keep up, in bytes; then nothing is read until it has received them.
        public var queueBytes: Int
        /// How long to wait between connections.
        public var backoff: Backoff
        /// Where cursors are stored across runs of the process; nil stores none.
        public var cursors: (any CursorStore)?

        /// Creates options.
        public init(
            queueBytes: Int = 1 << 20,
            backoff: Backoff = Backoff(),
            cursors: (any CursorStore)? = nil
        ) {
            self.queueBytes = queueBytes
            self.backoff = backoff
            self.cursors = cursors
        }
    }

    /// Work of ``run()`` that takes time or ends it.
    enum Turn {
        case askToken
        case connect(token: String?)
        case loadCursors([Subscription])
        case saveCursors([Position])
        case stop(Ending)
        case cancelled
    }

    nonisolated let loop: any EventLoop
    private let connector: Connector
    private let token: TokenProvider?
    var hasToken: Bool { self.token != nil }
    let options: Options

    var machine: Machine
    var connection: Connection?
    /// While nothing is read.
    var keepAlive: RepeatedTask?
    var timer: Scheduled<Void>?
    var timerAt: NIODeadline?
    /// Subscriptions whose cursors have not been loaded.
    var awaitingCursors: [Subscription]
    /// Cursors to be saved, by channel; newer ones replace older ones.
    var unsaved: [ExactText: Position] = [:]

    private var queue: [Update] = []
    private var queuedBytes = 0
    /// The last event of each channel that the consumer received; it counts as handled once the next is requested.
    private var taken: [Position] = []
    private var isFinished = false
    private var isRunning = false
    private(set) var isCancelled = false
    private var consumer: CheckedContinuation<Void, Never>?
    private var roomWaiter: CheckedContinuation<Void, Never>?

    var ending: Ending?
    /// Why this side closes the connection, where the close code does not say it.
    var ownEnding: Ending?
    /// The user of the present token.
    var user: String?
    var isPaused = false
    var isGivingUp = false
    var needsToken = false
    /// A connection to open: with this token, or without one.
    var connecting: String??
    private var turnWaiter: CheckedContinuation<Void, Never>?

    /// Runs on the connection's event loop.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe self.loop.executor.asUnownedSerialExecutor()
    }

    /// Creates a subscriber; ``run()`` starts it.
    /// - Parameters:
    ///   - address: Where the hub is.
    ///   - subscriptions: The channels to follow; ``subscribe(_:)`` adds others.
    ///   - token: Provides tokens; nil reads public types.
    ///   - tls: For an address that asks for TLS.
    public init(
        to address: HubAddress,
        subscriptions: [Subscription],
        token: TokenProvider? = nil,
        tls: ClientTLS = ClientTLS(),
        options: Options = Options()
    ) throws(Ending) {
        self.init(
            connector: try Connector(to: address, tls: tls),
            on: MultiThreadedEventLoopGroup.singleton.next(),
            subscriptions: subscriptions,
            token: token,
            options: options
        )
    }

    /// Creates a subscriber on a loop of the caller's choice.
    package init(
        connector: Connector,
        on loop: any EventLoop,
        subscriptions: [Subscription],
        token: TokenProvider? = nil,
        options: Options = Options()
    ) {
        self.connector = connector
        self.loop = loop
        self.token = token
        self.options = options
        self.awaitingCursors = options.cursors == nil ? [] : subscriptions
        self.machine = Machine(
            options.cursors == nil ? subscriptions : [],
            hasToken: token != nil,
            backoff: options.backoff,
            now: .now()
        )
    }

    /// What happens, in order.
    ///
    /// For one iteration at a time.
    public nonisolated var updates: Updates { Updates(self) }

    /// The positions of the channels, to resume from in another process.
    public var positions: [Position] { self.machine.tracks.positions }

    // MARK: - Running

    /// Runs while `body` does, which receives the updates; then closes the connection.
    ///
    /// - Throws: What `body` throws; an ``Ending`` when connecting again would not help, after the updates have ended
    ///   and `body` has returned.
    public nonisolated func run(_ body: (Updates) async throws -> Void) async throws {
        let result = try await withThrowingTaskGroup(of: Result<Void, any Error>.self) { group in
            group.addTask {
                do {
                    return .success(try await self.run())
                } catch {
                    return .failure(error)
                }
            }
            try await body(self.updates)
            group.cancelAll()
            return try await group.next() ?? .success(())
        }
        try Task.checkCancellation()
        do {
            try result.get()
        } catch is CancellationError {
            // Cancelled by us, as the body had returned.
        }
    }

    /// Runs until cancelled, or until connecting again would not help.
    ///
    /// To be called once.
    ///
    /// - Throws: `CancellationError`, or the ``Ending`` that was final.
    public func run() async throws {
        precondition(!self.isRunning, "a subscriber runs once")
        self.isRunning = true
        defer { self.finish() }
        try await withTaskCancellationHandler {
            try Task.checkCancellation()
            self.perform(self.machine.start(at: self.moment))
            while true {
                switch await self.nextTurn() {
                case .askToken: await self.askToken()
                case .connect(let token): await self.connect(token: token)
                case .loadCursors(let subscriptions): await self.loadCursors(of: subscriptions)
                case .saveCursors(let positions): await self.saveCursors(positions)
                case .stop(let ending): throw ending
                case .cancelled: throw CancellationError()
                }
            }
        } onCancel: {
            self.loop.execute { self.assumeIsolated { $0.cancelled() } }
        }
    }

    private func nextTurn() async -> Turn {
        while true {
            if !self.unsaved.isEmpty {
                defer { self.unsaved = [:] }
                return .saveCursors(Array(self.unsaved.values))
            }
            if self.isCancelled, self.connection == nil { return .cancelled }
            if let ending = self.ending { return .stop(ending) }
            let subscriptions = self.takeAwaitingCursors()
            if !subscriptions.isEmpty { return .loadCursors(subscriptions) }
            if self.needsToken {
                self.needsToken = false
                return .askToken
            }
            if let token = self.connecting {
                self.connecting = nil
                return .connect(token: token)
            }
            await withCheckedContinuation { self.turnWaiter = $0 }
        }
    }

    /// ``nextTurn()`` has something to return.
    func wake() {
        self.turnWaiter?.resume()
        self.turnWaiter = nil
    }

    private func askToken() async {
        do {
            let token = try await self.token?() ?? ""
            self.perform(self.machine.tokenArrived(token, at: self.moment))
        } catch {
            self.perform(self.machine.tokenFailed(String(describing: error), at: self.moment))
        }
    }

    /// Attempts to connect create updates too; they wait for the consumer like all others.
    private func connect(token: String?) async {
        while self.queuedBytes >= self.options.queueBytes, !self.isCancelled {
            await withCheckedContinuation { self.roomWaiter = $0 }
        }
        guard !self.isCancelled, self.machine.awaitsConnection else { return }
        self.connection = self.connector.connect(on: self.loop, token: token, receiver: self)
    }

    private func cancelled() {
        self.isCancelled = true
        // The end of a connection that is no longer needed is not reported.
        _ = self.machine.close()
        self.connection?.close()
        self.roomWaiter?.resume()
        self.roomWaiter = nil
        self.wake()
    }

    private func finish() {
        self.isFinished = true
        self.stopTimers()
        self.connection?.close()
        self.consumer?.resume()
        self.consumer = nil
    }

    // MARK: - Updates

    /// Whether the consumer has left room for more.
    var hasRoom: Bool { self.queuedBytes < self.options.queueBytes }

    /// Appends an update.
    ///
    /// Beyond the limit nothing more is read; what one read brought is still accepted.
    func push(_ update: Update) {
        self.queue.append(update)
        self.queuedBytes += update.cost
        if !self.hasRoom { self.pause() }
        self.consumer?.resume()
        self.consumer = nil
    }

    /// The queued updates; empty only at the end or when the task is cancelled.
    func take() async -> [Update] {
        self.handled(self.taken)
        self.taken = []
        await withTaskCancellationHandler {
            while self.queue.isEmpty, !self.isFinished, !Task.isCancelled, self.consumer == nil {
                await withCheckedContinuation { self.consumer = $0 }
            }
        } onCancel: {
            self.loop.execute { self.assumeIsolated { $0.consumerCancelled() } }
        }
        let batch = self.queue
        self.queue = []
        self.queuedBytes = 0
        if self.options.cursors != nil { self.taken = batch.compactMap(\.place) }
        self.roomWaiter?.resume()
        self.roomWaiter = nil
        self.readOn()
        self.schedule()
        return batch
    }

    private func consumerCancelled() {
        self.consumer?.resume()
        self.consumer = nil
    }
}
