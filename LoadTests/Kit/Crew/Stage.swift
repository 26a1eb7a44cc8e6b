// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import BroadtapeClient
import NIOCore
import NIOPosix
import Synchronization

/// What a run consists of: its loops, crews and what is known so far.
final class Stage: Sendable {
    /// Silence after which events that have not come are given up while every subscriber is connected, in polls.
    private static let silentPolls = 200
    private static let poll = Duration.milliseconds(50)
    /// How long deliveries too many are listened for after everything has come.
    private static let aftermath = Duration.milliseconds(200)
    private static let progressPeriod = Duration.milliseconds(250)
    /// Descriptors besides the subscribers' connections.
    private static let otherDescriptors = 128

    let target: Target
    let plan: Plan
    let connectors: [Connector]
    let crews: [CrewLink]
    let client: HTTPClient
    let tally: Tally
    let subscribers: Int
    let scoreboard = Scoreboard()
    let start = NIODeadline.now()
    private let phase = Mutex("")
    /// How many events there will be, if that is known.
    private let events: Int?

    private init(
        _ target: Target,
        plan: Plan,
        connectors: [Connector],
        crews: [CrewLink],
        client: HTTPClient,
        tally: Tally,
        subscribers: Int,
        events: Int?
    ) {
        self.target = target
        self.plan = plan
        self.connectors = connectors
        self.crews = crews
        self.client = client
        self.tally = tally
        self.subscribers = subscribers
        self.events = events
    }

    /// What a run needs besides its target and plan.
    struct Needs: Sendable {
        var subscribers: Int
        var groups = 1
        /// How many events there will be, if that is known.
        var events: Int?
        /// A loop for publishing apart from those of the subscribers.
        var hasLoopForRequests = false
        var tap: (@Sendable (Event) -> Void)?
    }

    /// Does a run: makes what it needs, and takes it away when the body has returned.
    /// - Parameter progress: Called several times a second with the progress.
    static func run<Answer: Sendable>(
        _ target: Target,
        plan: Plan,
        _ needs: Needs,
        progress: @escaping @Sendable (Headway) -> Void,
        _ body: @escaping @Sendable (Stage) async throws -> Answer
    ) async throws -> Answer {
        try Descriptors.require(needs.subscribers + Self.otherDescriptors)
        let connectors = try target.connectors()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: target.loops + (needs.hasLoopForRequests ? 1 : 0))
        let loops = Array(group.makeIterator())
        let client = HTTPClient(
            eventLoopGroupProvider: .shared(loops[loops.count - 1]),
            configuration: Publisher.configuration
        )
        let result: Result<Answer, any Error>
        do {
            let setting = Crew.Setting(
                connectors: connectors,
                patience: TimeAmount(target.patience),
                dialLimit: target.dialLimit,
                groups: needs.groups,
                tap: needs.tap
            )
            var crews: [CrewLink] = []
            for loop in loops.prefix(target.loops) {
                crews.append(try await CrewLink(on: loop, setting, plan: plan))
            }
            let stage = Stage(
                target,
                plan: plan,
                connectors: connectors,
                crews: crews,
                client: client,
                tally: setting.tally,
                subscribers: needs.subscribers,
                events: needs.events
            )
            result = .success(try await stage.perform(progress, body))
        } catch {
            result = .failure(error)
        }
        try await client.shutdown()
        try await group.shutdownGracefully()
        return try result.get()
    }

    private func perform<Answer: Sendable>(
        _ progress: @escaping @Sendable (Headway) -> Void,
        _ body: @escaping @Sendable (Stage) async throws -> Answer
    ) async throws -> Answer {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.reportProgress(progress) }
            defer {
                group.cancelAll()
                for crew in self.crews { crew.tell { $0.leave() } }
            }
            return try await body(self)
        }
    }

    // MARK: - Phases

    /// Names what is going on, for the progress.
    func enter(_ phase: String) {
        self.phase.withLock { $0 = phase }
    }

    /// Connects subscribers, spread over the crews; returns when all their subscriptions have begun.
    /// - Parameter rate: How many a second; nil is as fast as they are let in.
    func gather(_ recruits: [Crew.Recruit], rate: Double? = nil) async throws {
        var shares = [[Crew.Recruit]](repeating: [], count: self.crews.count)
        for (index, recruit) in recruits.enumerated() { shares[index % shares.count].append(recruit) }
        let share = rate.map { $0 / Double(self.crews.count) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (crew, recruits) in zip(self.crews, shares) {
                group.addTask { try await crew.gather(recruits, rate: share) }
            }
            try await group.waitForAll()
        }
    }

    /// Does something while looking out for failures.
    ///
    /// A run that has failed already need not continue for an hour.
    /// - Returns: What went wrong, if anything did.
    func watching(_ work: @escaping @Sendable () async throws -> Void) async throws -> RunError? {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.throwFailure() }
                group.addTask { try await work() }
                try await group.next()
                group.cancelAll()
            }
        } catch let error as RunError {
            return error
        }
        return nil
    }

    private func throwFailure() async throws {
        while true {
            try await Task.sleep(for: Self.progressPeriod)
            for crew in self.crews {
                if let failure = try await crew.ask({ $0.failure }) { throw failure }
            }
        }
    }

    /// Waits until everything has arrived, or nothing does any more.
    func settle() async throws {
        var deliveries = -1
        var silence = 0
        while true {
            var isComplete = true
            var hasFailed = false
            for crew in self.crews {
                let (complete, failed) = try await crew.ask { ($0.ledger.isComplete, $0.failure != nil) }
                isComplete = isComplete && complete
                hasFailed = hasFailed || failed
            }
            if isComplete || hasFailed { break }
            let status = try await self.status()
            if status.deliveries != deliveries || status.following < self.subscribers {
                // Who is not connected is waited for: the crew fails when its patience is at its end.
                deliveries = status.deliveries
                silence = 0
            } else {
                silence += 1
                if silence >= Self.silentPolls { break }
            }
            try await Task.sleep(for: Self.poll)
        }
        try await Task.sleep(for: Self.aftermath)
    }

    /// Waits until everybody has come to their targets, or nothing arrives any more.
    func waitUntilCaughtUp() async throws {
        let poll = Duration.milliseconds(20)
        var last = -1
        var silence = Duration.zero
        while true {
            var catchingUp = 0
            for crew in self.crews { catchingUp += try await crew.ask { $0.catchingUp } }
            guard catchingUp > 0 else { return }
            let count = self.tally.count
            silence = count == last ? silence + poll : .zero
            last = count
            guard silence < self.target.patience else { return }
            try await Task.sleep(for: poll)
        }
    }

    // MARK: - What is known

    /// The sum of what the crews tell.
    func status() async throws -> Crew.Status {
        var sum = Crew.Status()
        for crew in self.crews {
            let status = try await crew.ask { $0.status }
            sum.ready += status.ready
            sum.following += status.following
            sum.connected += status.connected
            sum.deliveries += status.deliveries
            sum.conflated += status.conflated
            sum.connectionsLost += status.connectionsLost
            sum.catchingUp += status.catchingUp
            sum.bytes += status.bytes
        }
        return sum
    }

    /// Tells how things go until cancelled.
    private func reportProgress(_ progress: @Sendable (Headway) -> Void) async throws {
        while true {
            try await Task.sleep(for: Self.progressPeriod)
            let status = try await self.status()
            progress(
                Headway(
                    seconds: (.now() - self.start).seconds,
                    phase: self.phase.withLock { $0 },
                    subscribers: self.subscribers,
                    ready: status.ready,
                    following: status.following,
                    events: self.events,
                    acknowledged: self.scoreboard.now.acknowledged,
                    deliveries: status.deliveries
                )
            )
        }
    }

    /// Ends the subscribers and returns what they found.
    func findings() async throws -> Findings {
        var all: Findings?
        for crew in self.crews {
            let own = try await crew.ask { crew in
                defer { crew.leave() }
                return Findings(crew)
            }
            all?.add(own)
            all = all ?? own
        }
        guard let all else { throw RunError.unexpected("there is no event loop") }
        return all
    }
}

extension TimeAmount {
    var seconds: Double { Double(self.nanoseconds) / 1e9 }
}
