// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Ingest
import JSON
package import Logging

/// Follows one chain: processes its blocks step by step, each step in one transaction.
///
/// Below finality whole ranges of blocks are requested. Above it blocks are read one at a time, because answers by
/// block number are not reliable there. Hashes guarantee that nothing is missing or processed twice: each block or
/// range names its parent, and a parent other than the stored block means a reorganisation. The follower then returns
/// to the last common ancestor, undoes the events published since, and continues from there. Final events are never
/// undone: if the chain violates finality, the follower halts for an operator.
///
/// Not reentrant: the caller runs one step after the other.
package actor Follower {
    /// Public state of a follower.
    package struct Status: Sendable, Equatable {
        package var number = 0
        package var head = 0
        package var final = 0
        package var facts = 0
        package var events = 0
        package var undone = 0
        package var rollbacks = 0
        package var deadLetters = 0
        package var steps = 0
        /// Why the follower has halted.
        package var stopped: String?
    }

    package typealias Users = @Sendable () -> [Address: String]

    let chain: Chain
    let filter: LogFilter
    let node: any EVMNode
    let sink: any SourceSink
    let users: Users
    let logger: Logger
    var place: Checkpoint?
    var span: BlockWindow
    /// Consecutive branches without the stored final block.
    var contradictions = 0
    /// Endpoint of this step.
    var endpoint = 0
    /// Endpoint that was verified to serve this chain, while it is in use.
    var knownEndpoint: Int?
    /// Endpoint that the newest block was read from; nil after a start.
    var tipEndpoint: Int?
    package internal(set) var status = Status()

    /// - Parameter users: Which user owns which wallet; called once per step that has logs.
    package init(
        chain: Chain,
        node: any EVMNode,
        sink: any SourceSink,
        users: @escaping Users = { [:] },
        logger: Logger
    ) {
        self.chain = chain
        self.filter = chain.filter
        self.node = node
        self.sink = sink
        self.users = users
        self.logger = logger
        self.span = BlockWindow(first: chain.firstSpan, cap: chain.maxSpan)
    }

    /// Runs one step. All its calls go to one endpoint.
    package func step() async throws(FollowFault) -> FollowProgress {
        if let why = self.status.stopped { throw .stopped(why) }
        self.endpoint = try self.node.endpoints.chosen()
        do throws(FollowFault) {
            let place = try await self.present()
            let progress = try await self.step(from: place)
            self.status.steps += 1
            if progress == .idle { self.contradictions = 0 }
            self.node.endpoints.succeeded(self.endpoint, head: self.status.head, followed: self.status.number)
            return progress
        } catch {
            let fault = error.recordFailure(of: self.endpoint, in: self.node.endpoints)
            if case .stopped(let why) = fault { self.status.stopped = why }
            throw fault
        }
    }

    private func step(from place: Checkpoint) async throws(FollowFault) -> FollowProgress {
        let asked = try await self.ask(
            [.block(.latest), .block(.number(place.number + 1))]
                + (self.chain.finality == .tag ? [.block(.finalized)] : [])
        )
        guard let head = try asked.block(0) else { throw .again("the node has no latest block") }
        let tagged = self.chain.finality == .tag ? try asked.blockIfAny(2) : nil
        self.status.head = head.number
        let nodeFinal = self.final(below: head, tagged)
        if place.number < nodeFinal, head.number > place.number {
            return try await self.takeRange(from: place, final: nodeFinal)
        }
        if let progress = try await self.finalize(place, tagged: tagged, final: nodeFinal) { return progress }
        if head.number <= place.number {
            // The node is behind, or on another branch.
            guard let ours = place.hash(of: head.number), ours != head.hash else { return .idle }
            // A shorter branch at a different endpoint is not a reorganisation: that endpoint lags.
            guard head.number == place.number || self.tipEndpoint ?? self.endpoint == self.endpoint else {
                throw .unfit(.behind, "its head is block \(head.number) of another branch, behind \(place.number)")
            }
            return try await self.rollBack(place, to: head, final: nodeFinal)
        }
        guard let next = try asked.block(1) else {
            throw .again("the node has block \(head.number), but not \(place.number + 1)")
        }
        guard next.number == place.number + 1 else { throw .again("the node answered with another block") }
        return try await self.takeBlock(next, from: place, final: nodeFinal)
    }

    /// The finality that the node reports, never above its head.
    func final(below head: Block, _ tagged: Block?) -> Int {
        switch self.chain.finality {
        case .tag: min(head.number, tagged?.number ?? 0)
        case .depth(let depth): max(0, head.number - depth)
        }
    }

    // MARK: - Beginning

    /// The checkpoint, after the endpoint was verified to serve this chain.
    private func present() async throws(FollowFault) -> Checkpoint {
        if let place, self.knownEndpoint == self.endpoint { return place }
        self.knownEndpoint = nil
        let stored = try await self.stored()
        let (chainID, genesis) = try await self.checkChain(stored)
        if var stored {
            stored.lighten()
            guard stored.contracts == self.chain.contractsDigest else {
                throw .stopped(
                    "the contracts or events of \(self.chain.name) have changed; new ones must be followed from "
                        + "their start: add a chain entry with another name"
                )
            }
            self.place = stored
        } else {
            self.place = try await self.begin(chainID: chainID, genesis: genesis)
        }
        guard let place else { throw .again("there is no checkpoint to start from") }
        self.knownEndpoint = self.endpoint
        self.note(place)
        return place
    }

    /// Checks that the endpoint serves this chain.
    @discardableResult
    func checkChain(_ place: Checkpoint?) async throws(FollowFault) -> (chainID: Int, genesis: Block) {
        let asked = try await self.ask([.chainID, .block(.number(0))])
        guard let chainID = try asked.result(0).string.flatMap({ Hex.integer($0, in: .unlimited) }) else {
            throw .again("the answer to eth_chainId is not a quantity")
        }
        if let wanted = self.chain.chainID ?? place?.chainID, wanted != chainID {
            throw .unfit(
                .foreign,
                "the node serves chain \(chainID), \(self.chain.name) is chain \(wanted); check its URL"
            )
        }
        guard let genesis = try asked.block(1) else { throw .again("the node has no first block") }
        if let place, place.chainID != chainID || place.genesis != genesis.hash {
            throw .unfit(
                .foreign,
                "the node's chain \(chainID) starts with \(genesis.hash), that of \(self.chain.name) with "
                    + "\(place.genesis): this is another chain"
            )
        }
        return (chainID, genesis)
    }

    func stored() async throws(FollowFault) -> Checkpoint? {
        do throws(TapeFault) {
            return try Checkpoint(await self.sink.state(of: self.chain.source, prefix: Checkpoint.prefix))
        } catch {
            if case .damaged(let why) = error { throw .stopped(why) }
            throw .unavailable("the state of the source cannot be read: \(error)")
        }
    }

    /// First step: starts just before the first requested block, or at the last final block if that is lower.
    private func begin(chainID: Int, genesis: Block) async throws(FollowFault) -> Checkpoint {
        let asked = try await self.ask(
            [.block(.latest)] + (self.chain.finality == .tag ? [.block(.finalized)] : [])
        )
        guard let head = try asked.block(0) else { throw .again("the node has no latest block") }
        let tagged = self.chain.finality == .tag ? try asked.blockIfAny(1) : nil
        let number = max(0, min(self.chain.start - 1, self.final(below: head, tagged)))
        guard let block = try await self.ask([.block(.number(number))]).block(0), block.number == number else {
            throw .again("the node has no block \(number)")
        }
        var place = Checkpoint(
            chainID: chainID,
            genesis: genesis.hash,
            contracts: self.chain.contractsDigest,
            number: number,
            hash: block.hash,
            version: try await self.version()
        )
        try await self.commit(&place, [], Changes(put: [number]))
        self.logger.info("chain follower started", metadata: self.metadata(place))
        return place
    }

    private func version() async throws(FollowFault) -> Int {
        do throws(TapeFault) {
            return try await self.sink.state(of: self.chain.source, prefix: Checkpoint.prefix).version
        } catch {
            throw .unavailable("the state of the source cannot be read: \(error)")
        }
    }

    // MARK: - Asking

    func ask(_ calls: [RPCCall]) async throws(FollowFault) -> Answers {
        do throws(NodeFault) {
            let answers = try await self.node.ask(calls, of: self.endpoint)
            guard answers.count == calls.count else {
                throw NodeFault.again("\(answers.count) answers to \(calls.count)")
            }
            return Answers(calls: calls, answers: answers)
        } catch {
            guard case .tooLarge(let why) = error, let place = calls.firstIndex(where: \.isForLogs) else {
                throw FollowFault(error)
            }
            // Only the logs are too many: the rest is requested without them.
            var rest = calls
            rest.remove(at: place)
            var answers = rest.isEmpty ? [] : try await self.ask(rest).answers
            answers.insert(.refusal(Refusal(code: 413, message: why)), at: place)
            return Answers(calls: calls, answers: answers)
        }
    }
}
