// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Ingest
import JSON
package import Logging

/// Follows contracts and topics of one Hedera network through mirror nodes: one poll after another, each result in one
/// transaction.
///
/// Hedera has no reorganisations, but mirror nodes are not consistent: logs appear late, and an incomplete answer looks
/// like a complete one. ``ContractCheckpoint`` handles this. Topics number their messages, see ``TopicCheckpoint``.
///
/// Not reentrant: the caller runs one step after the other.
package actor MirrorFollower {
    /// Public state of a follower.
    package struct Status: Sendable, Equatable {
        /// Newest consensus time of the mirror.
        package var head = ConsensusTime(nanoseconds: 0)
        /// All logs before this time are published as final; the head when no contract is followed.
        package var floor = ConsensusTime(nanoseconds: 0)
        /// Number of logs and messages published.
        package var facts = 0
        /// Number of events committed.
        package var events = 0
        /// Number of logs found only by a reread.
        package var healed = 0
        package var undone = 0
        package var deadLetters = 0
        package var steps = 0
        /// Whether there is more to read after the last step.
        package var isBehind = true
        /// Contracts and topics that the endpoint does not know, with its message.
        package var unknown: [String: String] = [:]
        /// Those that were read before: the endpoint has lost them, or another endpoint never had them.
        package var lost: Set<String> = []
        /// Why the follower has halted.
        package var stopped: String?
    }

    package typealias Users = @Sendable () -> [Address: String]

    package let mirror: Mirror
    let node: any MirrorNode
    let sink: any SourceSink
    let users: Users
    let logger: Logger
    var place: MirrorCheckpoint?
    /// Endpoint of this step.
    var endpoint = 0
    /// Endpoint that was verified to serve this network, while it is in use.
    var knownEndpoint: Int?
    package internal(set) var status = Status()

    /// - Parameter users: Which user owns which wallet; called once per poll that has logs.
    package init(
        mirror: Mirror,
        node: any MirrorNode,
        sink: any SourceSink,
        users: @escaping Users = { [:] },
        logger: Logger
    ) {
        self.mirror = mirror
        self.node = node
        self.sink = sink
        self.users = users
        self.logger = logger
    }

    /// Polls all contracts and topics once, at one endpoint. A failure of one contract or topic does not skip the
    /// others; the step fails afterwards. One that the endpoint does not know is listed in the status and is not a
    /// failure.
    package func step() async throws(FollowFault) -> FollowProgress {
        if let why = self.status.stopped { throw .stopped(why) }
        self.endpoint = try self.node.endpoints.chosen()
        do throws(FollowFault) {
            let (progress, head) = try await self.look()
            self.status.steps += 1
            self.status.isBehind = progress != .idle
            self.node.endpoints.succeeded(
                self.endpoint,
                head: Int(head.end.nanoseconds),
                followed: Int(self.status.head.nanoseconds),
                lacking: self.unknownSentence
            )
            return progress
        } catch {
            let fault = error.recordFailure(of: self.endpoint, in: self.node.endpoints)
            if case .stopped(let why) = fault { self.status.stopped = why }
            throw fault
        }
    }

    private func look() async throws(FollowFault) -> (FollowProgress, MirrorBlock) {
        try await self.load()
        let head = try await self.head()
        try await self.check(head)
        self.status.head = max(self.status.head, head.end)
        var progress = FollowProgress.idle
        var faults: [FollowFault] = []
        var unknown: [String: String] = [:]
        func note(_ fault: FollowFault, _ name: String) {
            if case .lacking(let why) = fault { unknown[name] = why } else { faults.append(fault) }
        }
        // A failed commit requires a reload first; an endpoint that is overloaded gets no further requests.
        func isOver() -> Bool { self.place == nil || faults.contains(where: \.isOfTheWholeEndpoint) }
        for name in self.mirror.contracts.keys.sorted(by: { $0.description < $1.description }) where !isOver() {
            do throws(FollowFault) {
                if try await self.look(at: name, head: head) { progress = .advanced }
                if try await self.lookAgain(at: name, head: head) { progress = .advanced }
            } catch {
                note(error, "contract \(name)")
            }
        }
        for id in self.mirror.topics.sorted(by: { $0.description < $1.description }) where !isOver() {
            do throws(FollowFault) {
                if try await self.look(at: id, head: head) { progress = .advanced }
            } catch {
                note(error, "topic \(id)")
            }
        }
        if let place { self.status.floor = place.floor ?? head.end }
        if let fault = faults.first(where: \.isStop) ?? faults.first(where: \.isOfTheWholeEndpoint) ?? faults.first {
            throw fault
        }
        self.note(unknown: unknown)
        return (progress, head)
    }

    private func note(unknown: [String: String]) {
        self.status.unknown = unknown
        guard !unknown.isEmpty, let place else { return self.status.lost = [] }
        let contracts = place.contracts.values.filter { $0.floor > self.mirror.start }.map { "contract \($0.name)" }
        let topics = place.topics.values.filter { $0.sequence ?? 0 > 0 }.map { "topic \($0.id)" }
        self.status.lost = Set(contracts + topics).intersection(unknown.keys)
    }

    private var unknownSentence: String? {
        let parts = self.status.unknown.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        return parts.isEmpty ? nil : parts.prefix(5).joined(separator: "; ")
    }

    // MARK: The network

    private func load() async throws(FollowFault) {
        guard self.place == nil else { return }
        do throws(TapeFault) {
            let state = try await self.sink.state(of: self.mirror.source, prefix: "place/")
            do throws(FollowFault) {
                self.place = try MirrorCheckpoint(state, self.mirror)
            } catch {
                throw .damaged(error.description)
            }
        } catch {
            if case .damaged(let why) = error { throw .stopped(why) }
            throw .unavailable("the state of the source cannot be read: \(error)")
        }
    }

    private func head() async throws(FollowFault) -> MirrorBlock {
        do throws(NodeFault) {
            return try await Self.head(self.node, self.endpoint)
        } catch {
            throw FollowFault(error)
        }
    }

    /// Newest block of the endpoint.
    static func head(_ node: any MirrorNode, _ endpoint: Int) async throws(NodeFault) -> MirrorBlock {
        switch try await node.get(MirrorPath.newestBlock, of: endpoint) {
        case .found(let value): return try MirrorBlock(first: value)
        case .missing(let why): throw .unfit(.refused, "it does not serve its newest block: \(why); check its URL")
        }
    }

    /// Checks that the endpoint serves this network.
    private func check(_ head: MirrorBlock) async throws(FollowFault) {
        guard let place else { throw .again("there is no checkpoint to continue from") }
        guard self.knownEndpoint != self.endpoint else { return }
        self.knownEndpoint = nil
        if let anchor = place.anchor {
            try await self.check(anchor.block, head)
            try await self.checkHistory(place)
        } else {
            var changes = EntryChanges(prefix: "")
            changes.put(MirrorCheckpoint.Anchor.entryName, MirrorCheckpoint.Anchor(head).json)
            var place = place
            place.anchor = MirrorCheckpoint.Anchor(head)
            try await self.commit(place, StepResult(changes: changes), head: head)
            self.logger.info("mirror follower started", metadata: ["head": "\(head.end)"])
        }
        self.knownEndpoint = self.endpoint
    }

    /// Checks that the endpoint has the remembered block.
    private func check(_ anchor: MirrorBlock, _ head: MirrorBlock) async throws(FollowFault) {
        let block: MirrorBlock
        switch try await self.get(MirrorPath.block(anchor.number)) {
        case .missing where head.number < anchor.number:
            throw .unfit(
                .behind,
                "its newest block is \(head.number), \(self.mirror.name) has block \(anchor.number): it is behind or "
                    + "on another network"
            )
        case .missing(let why):
            throw .unfit(
                .pruned,
                "it has no block \(anchor.number), which identifies \(self.mirror.name) (\(why)): an endpoint with "
                    + "that history is needed"
            )
        case .found(let value):
            do throws(NodeFault) { block = try MirrorBlock(value) } catch { throw FollowFault(error) }
        }
        guard block.number == anchor.number else { throw .again("the mirror answered with another block") }
        guard block.hash == anchor.hash else {
            throw .unfit(
                .foreign,
                "block \(block.number) of the mirror is \(block.hash.prefix(18))…, that of \(self.mirror.name) is "
                    + "\(anchor.hash.prefix(18))…: this is another network; check its URL"
            )
        }
    }

    /// Checks that the endpoint still has the history after the checkpoint: with pruned history, it answers as if
    /// nothing had happened in that time.
    private func checkHistory(_ place: MirrorCheckpoint) async throws(FollowFault) {
        // A contract that was never read starts with the available history.
        let floors = place.contracts.values.map(\.floor).filter { $0 > self.mirror.start }
        guard let floor = floors.min(), case .found(let value) = try await self.get(MirrorPath.oldestBlock),
            let oldest = try? MirrorBlock(first: value), oldest.number > 0, let begin = oldest.begin, begin > floor
        else { return }
        throw .unfit(
            .pruned,
            "its oldest block, \(oldest.number), starts at \(begin), \(self.mirror.name) was read up to \(floor): an "
                + "endpoint with that history is needed"
        )
    }

    // MARK: Requests

    func get(_ path: String) async throws(FollowFault) -> MirrorAnswer {
        do throws(NodeFault) {
            return try await self.node.get(path, of: self.endpoint)
        } catch {
            throw FollowFault(error)
        }
    }

    /// Requests rows of a contract or a topic.
    func ask(_ path: String) async throws(FollowFault) -> JSON.Value {
        switch try await self.get(path) {
        case .found(let value): return value
        case .missing(let why): throw .lacking(why)
        }
    }

    // MARK: Endpoints

    /// Health of the endpoints.
    package nonisolated var endpointReports: [EndpointReport] {
        self.node.endpoints.reports
    }

    /// Checks the endpoints that are not in use, until the task is cancelled.
    package nonisolated func watchEndpoints() async {
        await self.node.endpoints.watch { endpoint in
            do throws(NodeFault) {
                return .head(Int(clamping: try await Self.head(self.node, endpoint).end.nanoseconds))
            } catch {
                return Task.isCancelled ? .nothing : FollowFault(error).probe
            }
        }
    }
}

extension FollowFault {
    /// Whether the endpoint should get no further requests now.
    fileprivate var isOfTheWholeEndpoint: Bool {
        switch self {
        case .slowDown, .unfit: true
        case .again, .elsewhere, .lacking, .unavailable, .stopped: false
        }
    }
}
