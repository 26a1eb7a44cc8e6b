// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
package import Client
import NIOCore
import NIOPosix

/// One run: subscribers, publishers and the judgement.
package struct Replay: Sendable {
    /// How a trace is to be replayed.
    package struct Settings: Sendable {
        /// Where the hub is.
        package var address: HubAddress
        package var subscribers = 100
        package var speed = Speed.max
        package var access = Access.anonymous
        /// Publish requests in flight.
        package var inFlight = 4
        /// Events per request at full speed.
        package var batch = 64
        /// Event loops for the subscribers.
        package var loops = 1
        /// How long an outage of the hub is waited for.
        package var patience = Duration.seconds(60)

        /// Creates settings with the defaults.
        package init(address: HubAddress) {
            self.address = address
        }
    }

    /// Silence after which events that have not come are given up while every subscriber is connected, in polls.
    private static let silentPolls = 200
    private static let poll = Duration.milliseconds(50)
    /// How long deliveries too many are listened for after everything has come.
    private static let aftermath = Duration.milliseconds(200)
    /// From when the subscribers are ready to the first event at recorded times.
    private static let lead = TimeAmount.milliseconds(100)
    /// Descriptors besides the subscribers' connections.
    private static let otherDescriptors = 128

    private let settings: Settings
    private let plan: Plan
    private let connector: Connector

    /// Prepares a run; publishes nothing.
    package init(_ trace: Trace, _ settings: Settings) throws(Ending) {
        self.settings = settings
        self.plan = Plan(trace: trace, run: String(UInt64.random(in: .min ... .max), radix: 36))
        var connector = try Connector(to: settings.address)
        connector.usesPredictableMasks = true
        self.connector = connector
    }

    /// Does it.
    ///
    /// - Parameter progress: Told several times a second how things go.
    /// - Throws: ``ReplayError`` when the run cannot begin. What goes wrong later is in the report.
    package func run(progress: @escaping @Sendable (Headway) -> Void) async throws -> Report {
        try Descriptors.require(self.settings.subscribers + Self.otherDescriptors)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: self.settings.loops + 1)
        let loops = Array(group.makeIterator())
        let client = HTTPClient(
            eventLoopGroupProvider: .shared(loops[self.settings.loops]),
            configuration: Publisher.configuration
        )
        let result: Result<Report, any Error>
        do {
            result = .success(try await self.run(on: loops.dropLast(), client: client, progress: progress))
        } catch {
            result = .failure(error)
        }
        try await client.shutdown()
        try await group.shutdownGracefully()
        return try result.get()
    }

    private func run(
        on loops: ArraySlice<any EventLoop>,
        client: HTTPClient,
        progress: @escaping @Sendable (Headway) -> Void
    ) async throws -> Report {
        var crews: [CrewLink] = []
        for loop in loops {
            crews.append(
                try await CrewLink(
                    on: loop,
                    connector: self.connector,
                    plan: self.plan,
                    patience: TimeAmount(self.settings.patience)
                )
            )
        }
        let stage = Stage(settings: self.settings, plan: self.plan, crews: crews)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await stage.reportProgress(progress) }
            defer { group.cancelAll() }
            do {
                try await self.gather(crews)
                let failure = try await self.perform(stage, client: client)
                return try await stage.report(failure: failure)
            } catch {
                for crew in crews { crew.tell { $0.leave() } }
                throw error
            }
        }
    }

    // MARK: - Subscribers

    private func gather(_ crews: [CrewLink]) async throws {
        var shares = [[(privateChannels: [Int], token: String?)]](repeating: [], count: crews.count)
        for (index, subscriber) in self.subscribers().enumerated() {
            shares[index % crews.count].append(subscriber)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (crew, share) in zip(crews, shares) {
                group.addTask { try await crew.gather(share) }
            }
            try await group.waitForAll()
        }
    }

    /// Who the subscribers are: users of the trace in turn; with fewer subscribers than users, several users each.
    private func subscribers() -> [(privateChannels: [Int], token: String?)] {
        let channels = self.plan.trace.channels
        let users = self.plan.trace.users
        var channelsOfUser: [String: [Int]] = [:]
        for (place, channel) in channels.enumerated() where channel.isPrivate {
            channelsOfUser[channel.key, default: []].append(place)
        }
        let types = Set(channels.filter(\.isPrivate).map { String($0.name.prefix { $0 != ":" }) }).sorted()
        let count = self.settings.subscribers
        return (0..<count).map { index in
            var own: [String] = []
            if !users.isEmpty {
                own = index < users.count ? stride(from: index, to: users.count, by: count).map { users[$0] } : []
                if own.isEmpty { own = [users[index % users.count]] }
            }
            return (
                own.flatMap { channelsOfUser[$0] ?? [] },
                self.settings.access.subscribing(users: own, types: types)
            )
        }
    }

    // MARK: - Publishing

    /// Publishes everything and waits for its arrival.
    ///
    /// Returns what went wrong, if anything did.
    private func perform(_ stage: Stage, client: HTTPClient) async throws -> ReplayError? {
        var provider: TokenProvider?
        if let token = self.settings.access.publishing { provider = { token } }
        let publisher = Publisher(
            to: self.settings.address,
            token: provider,
            retries: Retries(
                patience: self.settings.patience,
                backoff: Backoff(base: .milliseconds(50), cap: .seconds(1)),
                timeout: .seconds(10)
            ),
            client: client
        )
        let lanes = Lane.distribute(self.plan.trace, over: self.settings.inFlight).map { events in
            Lane(
                events: events,
                plan: self.plan,
                publisher: publisher,
                crews: stage.crews,
                scoreboard: stage.scoreboard,
                batch: self.settings.batch
            )
        }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                // A run that has failed already need not go on for an hour.
                group.addTask { try await stage.throwFailure() }
                group.addTask { try await self.publish(lanes) }
                try await group.next()
                group.cancelAll()
            }
        } catch let error as ReplayError {
            return error
        }
        try await self.settle(stage)
        return nil
    }

    private func publish(_ lanes: [Lane]) async throws {
        var due: [UInt64] = []
        if case .times(let factor) = self.settings.speed {
            due = self.dueTimes(factor: factor)
            self.plan.due.set(due.enumerated().map { (event: $0, at: $1) })
        }
        try await withThrowingTaskGroup(of: Void.self) { [due, speed = self.settings.speed] group in
            for lane in lanes {
                group.addTask {
                    switch speed {
                    case .max: try await lane.runAtFullSpeed()
                    case .times: try await lane.run(due: due)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func dueTimes(factor: Double) -> [UInt64] {
        let start = (NIODeadline.now() + Self.lead).uptimeNanoseconds
        return self.plan.trace.entries.map { start + UInt64(Double($0.offset) / factor) }
    }

    /// Waits until everything has arrived, or nothing does any more.
    private func settle(_ stage: Stage) async throws {
        var deliveries = -1
        var silence = 0
        while true {
            var isComplete = true
            var hasFailed = false
            for crew in stage.crews {
                let (complete, failed) = try await crew.ask { ($0.ledger.isComplete, $0.failure != nil) }
                isComplete = isComplete && complete
                hasFailed = hasFailed || failed
            }
            if isComplete || hasFailed { break }
            let status = try await stage.status()
            if status.deliveries != deliveries || status.following < self.settings.subscribers {
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
}
