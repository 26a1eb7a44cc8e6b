// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import NIOPosix

/// Gives out a token: asked at every connect, and before the present one expires.
///
/// Should answer within seconds.
///
/// One that returns the token it gave before is not asked again before the next connect.
public typealias TokenProvider = @Sendable () async throws -> String

/// Follows channels of a hub over as many connections as it takes: connects, authenticates, subscribes, resumes where
/// the last connection got to, and tells of gaps instead of hiding them.
///
///     let subscriber = try Subscriber(to: address, subscriptions: [Subscription("rateChange:BTC/USDT")])
///     try await subscriber.run { updates in
///         for await update in updates { … }
///     }
///
/// An actor on an event loop, the one its connection lives on.
public actor Subscriber {
    /// How a subscriber behaves.
    public struct Options: Sendable, Equatable {
        /// Updates kept for a consumer that does not keep up, in bytes; then nothing is read until it has taken them.
        public var queueBytes: Int
        /// How long to stay away between connections.
        public var backoff: Backoff

        /// Creates options.
        public init(queueBytes: Int = 1 << 20, backoff: Backoff = Backoff()) {
            self.queueBytes = queueBytes
            self.backoff = backoff
        }
    }

    /// What ``run()`` waits for.
    enum Turn {
        /// The token is about to expire.
        case refreshToken
        /// The connection has ended.
        case ended(Ending)
    }

    /// Before the hub has told its own.
    private static let defaultHeartbeat = TimeAmount.seconds(10)

    nonisolated let loop: any EventLoop
    private let connector: Connector
    let token: TokenProvider?
    private let options: Options

    var course: Course
    var tracks: Tracks
    var connection: Connection?
    var heartbeat = Subscriber.defaultHeartbeat
    /// Since when what was heard counts; later than the last thing heard only after a pause.
    var listeningSince = NIODeadline.now()
    var lastSignOfLife = NIODeadline.now()
    var ticker: RepeatedTask?
    var refresh: Scheduled<Void>?
    var presentToken: String?

    private var queue: [Update] = []
    private var queuedBytes = 0
    private var isFinished = false
    private var isRunning = false
    private var consumer: CheckedContinuation<Void, Never>?
    private var roomWaiter: CheckedContinuation<Void, Never>?

    private var ending: Ending?
    /// Why this side closes the connection, where the close code does not say it.
    private var ownEnding: Ending?
    var needsToken = false
    private var turnWaiter: CheckedContinuation<Void, Never>?

    /// Runs on the connection's event loop.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe self.loop.executor.asUnownedSerialExecutor()
    }

    /// Creates a subscriber; ``run()`` makes it work.
    /// - Parameters:
    ///   - address: Where the hub is.
    ///   - subscriptions: The channels to follow, at least one.
    ///   - token: Gives out tokens; nil reads what everyone may read.
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
        self.course = Course(backoff: options.backoff)
        self.tracks = Tracks(subscriptions, backoff: options.backoff)
    }

    /// What happens, in order.
    ///
    /// For one iteration at a time.
    public nonisolated var updates: Updates { Updates(self) }

    /// Where the channels have got to, to resume from in another process.
    public var positions: [Position] { self.tracks.positions }

    // MARK: - Running

    /// Works while `body` does, which gets the updates; then closes the connection.
    ///
    /// - Throws: What `body` throws; an ``Ending`` when it is pointless to connect again, after the updates have ended
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

    /// Works until cancelled, or until it is pointless to connect again.
    ///
    /// To be called once.
    ///
    /// - Throws: `CancellationError`, or the ``Ending`` that was final.
    public func run() async throws {
        precondition(!self.isRunning, "a subscriber runs once")
        self.isRunning = true
        defer { self.finish() }
        try await withTaskCancellationHandler {
            while true {
                try await self.awaitRoom()
                let ending = try await self.visit()
                self.sessionEnded()
                try Task.checkCancellation()
                switch self.course.ended(ending, now: .now(), random: .random(in: 0...1)) {
                case .stop(let ending):
                    throw ending
                case .wait(let time):
                    self.push(.disconnected(ending, retryInMilliseconds: Int(time.nanoseconds / 1_000_000)))
                    try await Task.sleep(for: .nanoseconds(time.nanoseconds))
                }
            }
        } onCancel: {
            self.loop.execute { self.assumeIsolated { $0.cancelled() } }
        }
    }

    /// One connection, from asking for a token to its end.
    private func visit() async throws -> Ending {
        do {
            self.presentToken = try await self.token?()
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            return .noToken(String(describing: error))
        }
        try Task.checkCancellation()
        self.course.connecting()
        self.ending = nil
        self.needsToken = false
        self.connection = self.connector.connect(on: self.loop, token: self.presentToken, receiver: self)
        while true {
            switch await self.nextTurn() {
            case .refreshToken: await self.refreshToken()
            case .ended(let ending): return ending
            }
        }
    }

    private func nextTurn() async -> Turn {
        while true {
            if let ending = self.ending { return .ended(ending) }
            if self.needsToken {
                self.needsToken = false
                return .refreshToken
            }
            await withCheckedContinuation { self.turnWaiter = $0 }
        }
    }

    /// ``nextTurn()`` has something to return.
    func wake() {
        self.turnWaiter?.resume()
        self.turnWaiter = nil
    }

    /// Closes the connection; its end will count as this one.
    func closeForGood(_ ending: Ending) {
        self.ownEnding = ending
        self.connection?.close()
    }

    func connectionHasEnded(_ ending: Ending) {
        self.ending = self.ownEnding ?? ending
        self.connection = nil
        self.wake()
    }

    private func cancelled() {
        self.connection?.close()
        self.roomWaiter?.resume()
        self.roomWaiter = nil
    }

    private func finish() {
        self.isFinished = true
        self.consumer?.resume()
        self.consumer = nil
    }

    // MARK: - Updates

    /// Appends an update.
    ///
    /// Past the limit nothing more is read; what one read brought is still taken in.
    func push(_ update: Update) {
        self.queue.append(update)
        self.queuedBytes += update.cost
        if self.queuedBytes >= self.options.queueBytes { self.connection?.pause() }
        self.consumer?.resume()
        self.consumer = nil
    }

    /// What has gathered; empty only at the end or when the task is cancelled.
    func take() async -> [Update] {
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
        self.roomWaiter?.resume()
        self.roomWaiter = nil
        self.readOn()
        return batch
    }

    private func consumerCancelled() {
        self.consumer?.resume()
        self.consumer = nil
    }

    /// Attempts to connect leave updates too; they wait for the consumer like everything else.
    private func awaitRoom() async throws {
        while self.queuedBytes >= self.options.queueBytes, !Task.isCancelled {
            await withCheckedContinuation { self.roomWaiter = $0 }
        }
        try Task.checkCancellation()
    }
}
