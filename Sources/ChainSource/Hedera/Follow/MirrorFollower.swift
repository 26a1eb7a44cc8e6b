// SPDX-License-Identifier: Apache-2.0

package import Hub
import JSON
package import Logging

/// Follows contracts and topics of one Hedera network through mirror nodes: one look after the other, each thing that
/// was found one transaction.
///
/// There are no reorganisations, but a mirror is not steady either: logs come late, and an incomplete answer looks like
/// a complete one. What to do about that is in ``ContractPlace``. Topics number their messages, see ``TopicPlace``.
///
/// Not entered twice: whoever runs it takes one step after the other.
package actor MirrorFollower {
    /// What can be seen of a follower from outside.
    package struct Status: Sendable, Equatable {
        /// How far the mirror has come.
        package var head = ConsensusTime(nanoseconds: 0)
        /// Before which all logs have been told of for good; the head where no contract is followed.
        package var floor = ConsensusTime(nanoseconds: 0)
        /// Logs and messages told of.
        package var facts = 0
        /// Events committed.
        package var events = 0
        /// Logs that were found when they were looked for again.
        package var healed = 0
        package var undone = 0
        package var letters = 0
        package var steps = 0
        /// Whether the last step left something to read.
        package var isBehind = true
        /// Why it has stopped.
        package var stopped: String?
    }

    package typealias Users = @Sendable () -> [Address: String]

    package let mirror: Mirror
    let node: any MirrorNode
    let sink: any SourceSink
    let users: Users
    let logger: Logger
    var place: MirrorPlace?
    /// Endpoints that were found to be of our network.
    var knownEndpoints: Set<Int> = []
    package internal(set) var status = Status()

    /// - Parameter users: Who owns which wallet; asked once per look that has logs.
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

    /// Looks once at everything that is followed. What goes wrong with one contract or topic does not keep the others
    /// from their turn; the step fails with it afterwards.
    package func step() async throws(FollowFault) -> FollowProgress {
        if let why = self.status.stopped { throw .stopped(why) }
        do throws(FollowFault) {
            let progress = try await self.look()
            self.status.steps += 1
            self.status.isBehind = progress != .idle
            return progress
        } catch {
            if case .stopped(let why) = error { self.status.stopped = why }
            if case .again = error { await self.node.disappointed() }
            throw error
        }
    }

    private func look() async throws(FollowFault) -> FollowProgress {
        try await self.load()
        let head = try await self.head()
        try await self.check(head)
        self.status.head = max(self.status.head, head.end)
        var progress = FollowProgress.idle
        var faults: [FollowFault] = []
        for name in self.mirror.contracts.keys.sorted(by: { $0.description < $1.description }) {
            do throws(FollowFault) {
                if try await self.look(at: name, head: head) { progress = .advanced }
                if try await self.lookAgain(at: name, head: head) { progress = .advanced }
            } catch {
                faults.append(error)
            }
            // What was committed, if anything, has to be read first; a mirror that has had enough is left alone.
            if self.place == nil || faults.contains(where: \.isSlowDown) { break }
        }
        for id in self.mirror.topics.sorted(by: { $0.description < $1.description }) {
            if self.place == nil || faults.contains(where: \.isSlowDown) { break }
            do throws(FollowFault) {
                if try await self.look(at: id, head: head) { progress = .advanced }
            } catch {
                faults.append(error)
            }
        }
        if let place { self.status.floor = place.floor ?? head.end }
        if let fault = faults.first(where: \.isStop) ?? faults.first(where: \.isSlowDown) ?? faults.first {
            throw fault
        }
        return progress
    }

    // MARK: The network

    private func load() async throws(FollowFault) {
        guard self.place == nil else { return }
        do throws(TapeFault) {
            let state = try await self.sink.state(of: self.mirror.source, prefix: "place/")
            do throws(FollowFault) {
                self.place = try MirrorPlace(state, self.mirror)
            } catch {
                throw .damaged(error.description)
            }
        } catch {
            if case .damaged(let why) = error { throw .stopped(why) }
            throw .again("what the source remembers cannot be read: \(error)")
        }
    }

    private func head() async throws(FollowFault) -> MirrorBlock {
        let answer = try await self.ask(MirrorPath.newestBlock)
        do throws(NodeFault) {
            return try MirrorBlock(newest: answer)
        } catch {
            throw FollowFault(error)
        }
    }

    /// Checks that an endpoint is of the network that is followed.
    private func check(_ head: MirrorBlock) async throws(FollowFault) {
        let endpoint = await self.node.endpoint
        guard let place else { throw .again("there is no place to go on from") }
        guard !self.knownEndpoints.contains(endpoint) else { return }
        if let anchor = place.anchor {
            let block: MirrorBlock
            switch try await self.get(MirrorPath.block(anchor.block.number)) {
            case .missing:
                throw .again(
                    "the mirror has no block \(anchor.block.number), which \(self.mirror.name) has; it is behind, or of "
                        + "another network"
                )
            case .found(let value):
                do throws(NodeFault) { block = try MirrorBlock(value) } catch { throw FollowFault(error) }
            }
            guard block.number == anchor.block.number else { throw .again("the mirror answered with another block") }
            guard block.hash == anchor.block.hash else {
                throw .stopped(
                    "block \(block.number) of the mirror is \(block.hash.prefix(18))…, that of \(self.mirror.name) is "
                        + "\(anchor.block.hash.prefix(18))…: it is another network; check its URL"
                )
            }
        } else {
            var changes = EntryChanges(prefix: "")
            changes.put(MirrorPlace.Anchor.entryName, MirrorPlace.Anchor(head).json)
            var place = place
            place.anchor = MirrorPlace.Anchor(head)
            try await self.commit(place, Taken(changes: changes), head: head)
            self.logger.info("a mirror is followed from here", metadata: ["head": "\(head.end)"])
        }
        // Only if it is still the endpoint that answered.
        if await self.node.endpoint == endpoint { self.knownEndpoints.insert(endpoint) }
    }

    // MARK: Asking

    func get(_ path: String) async throws(FollowFault) -> MirrorAnswer {
        do throws(NodeFault) {
            return try await self.node.get(path)
        } catch {
            throw FollowFault(error)
        }
    }

    /// Asks for something that has to be there.
    func ask(_ path: String) async throws(FollowFault) -> JSON.Value {
        switch try await self.get(path) {
        case .found(let value): return value
        case .missing(let why): throw .stopped("the mirror does not know what is followed: \(why)")
        }
    }
}

extension FollowFault {
    fileprivate var isStop: Bool {
        if case .stopped = self { true } else { false }
    }

    fileprivate var isSlowDown: Bool {
        if case .slowDown = self { true } else { false }
    }
}
