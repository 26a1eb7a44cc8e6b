// SPDX-License-Identifier: Apache-2.0

import ChainSource
import Ingest
import JSON
import Logging
import Synchronization
import TestSupport

/// A node of a ``SimulatedChain`` that can be made to answer as bad nodes do.
final class SimulatedNode: EVMNode {
    /// How likely each fault is, of 100 batches.
    struct Faults: Sendable {
        /// Another node of the pool answers, which is up to so many changes of the chain behind.
        var lagging = 0
        var lag = 1...10
        /// Logs of a block are not there yet.
        var missingLogs = 0
        /// A range is answered as if it ended earlier, without an error.
        var shortRanges = 0
        /// A range of more blocks than this is refused as too large.
        var largestRange: Int?
        var failures = 0

        static let bad = Faults(lagging: 25, missingLogs: 20, shortRanges: 15, largestRange: 9, failures: 5)
    }

    typealias Interception = @Sendable (RPCCall, RPCAnswer) throws -> RPCAnswer?

    private struct State: Sendable {
        var chain: SimulatedChain
        var faults = Faults()
        var random = SplitMix(seed: 1)
        var calls: [RPCCall] = []
        var interception: Interception?
        /// Of one endpoint only.
        var interceptions: [Int: Interception] = [:]
        /// Number of recent changes of the chain that each endpoint does not have yet.
        var behind: [Int: Int] = [:]
        var chainID = 7
    }

    let endpoints: EndpointPool
    private let state: Mutex<State>

    /// - Parameter endpoints: How many there are; none rests for any time.
    init(
        _ chain: SimulatedChain,
        seed: UInt64 = 1,
        endpoints count: Int = 1,
        rules: EndpointRotation.Rules = .restless
    ) {
        self.state = Mutex(State(chain: chain, random: SplitMix(seed: seed)))
        self.endpoints = EndpointPool(
            (1...count).map { "http://node-\($0)" },
            rules: rules,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    var chain: SimulatedChain { self.state.withLock { $0.chain } }

    func change(_ body: (inout SimulatedChain) -> Void) {
        self.state.withLock { body(&$0.chain) }
    }

    func set(_ faults: Faults) {
        self.state.withLock { $0.faults = faults }
    }

    func set(chainID: Int) {
        self.state.withLock { $0.chainID = chainID }
    }

    /// As if the endpoint in use were gone.
    func moveToAnotherEndpoint() {
        guard case .ask(let index) = self.endpoints.choose() else { return }
        self.endpoints.failed(index, .unreachable, "a fault of the test")
    }

    /// Makes an endpoint lag behind by a number of changes.
    func setBehind(_ changes: Int, endpoint: Int) {
        self.state.withLock { $0.behind[endpoint] = changes }
    }

    /// Replaces answers of one endpoint.
    func intercept(endpoint: Int, _ interception: Interception?) {
        self.state.withLock { $0.interceptions[endpoint] = interception }
    }

    /// Replaces answers; nil leaves one as it is, an error fails the batch.
    func intercept(_ interception: Interception?) {
        self.state.withLock { $0.interception = interception }
    }

    /// What was asked since this was called last.
    func takeCalls() -> [RPCCall] {
        self.state.withLock { state in
            defer { state.calls = [] }
            return state.calls
        }
    }

    func ask(_ calls: [RPCCall], of endpoint: Int) throws(NodeFault) -> [RPCAnswer] {
        let result = self.state.withLock { state in
            Result { () throws(NodeFault) in try Self.answer(calls, of: endpoint, &state) }
        }
        return try result.get()
    }

    private static func answer(
        _ calls: [RPCCall],
        of endpoint: Int,
        _ state: inout State
    ) throws(NodeFault) -> [RPCAnswer] {
        state.calls += calls
        func happens(_ chance: Int) -> Bool { Int.random(in: 0..<100, using: &state.random) < chance }
        if happens(state.faults.failures) { throw .again("a fault of the test") }
        let lag = happens(state.faults.lagging) ? Int.random(in: state.faults.lag, using: &state.random) : 0
        let behind = max(lag, state.behind[endpoint, default: 0])
        let views = state.chain.views
        let view = views[max(0, views.count - 1 - behind)]
        let isMissing = happens(state.faults.missingLogs)
        let isShort = happens(state.faults.shortRanges)
        var answers: [RPCAnswer] = []
        for call in calls {
            var answer = Self.answer(call, state, view)
            if isMissing, case .logsOfBlock = call { answer = .result(Self.json("[]")) }
            if isShort, case .logsInRange(let range, let filter) = call {
                // What a node answers that does not have the last blocks; nor does it have them when asked for.
                let end = range.lowerBound + range.count / 2 - 1
                if end >= range.lowerBound {
                    answer = Self.answer(.logsInRange(range.lowerBound...end, filter), state, view)
                }
            }
            if isShort, case .block(.number(let number)) = call, calls.count > 3, number > 0, number == calls.rangeEnd {
                answer = .result(Self.json("null"))
            }
            do {
                if let changed = try state.interception?(call, answer) { answer = changed }
                if let changed = try state.interceptions[endpoint]?(call, answer) { answer = changed }
            } catch {
                throw (error as? NodeFault) ?? .again("\(error)")
            }
            answers.append(answer)
        }
        return answers
    }

    private static func answer(_ call: RPCCall, _ state: State, _ view: SimulatedChain.View) -> RPCAnswer {
        let chain = state.chain
        func block(_ number: Int) -> JSON.Value {
            guard view.hashes.indices.contains(number), let mined = chain.blocks[view.hashes[number]] else {
                return Self.json("null")
            }
            return Self.json(mined.block)
        }
        switch call {
        case .chainID: return .result(Self.json("\"\(Hex.quantity(state.chainID))\""))
        case .block(.number(let number)): return .result(block(number))
        case .block(.latest): return .result(block(view.hashes.count - 1))
        case .block(.finalized): return .result(block(min(view.final, view.hashes.count - 1)))
        case .blockByHash(let hash): return .result(chain.blocks[hash].map { Self.json($0.block) } ?? Self.json("null"))
        case .logsInRange(let range, let filter):
            if let largest = state.faults.largestRange, range.count > largest {
                return .refusal(Refusal(code: -32_005, message: "query returned more than 10000 results"))
            }
            let logs = range.flatMap { number in
                view.hashes.indices.contains(number) ? chain.blocks[view.hashes[number]]?.logs ?? [] : []
            }
            return .result(Self.json(logs.filter(filter.includes)))
        case .receiptsOfBlock:
            return .refusal(Refusal(code: -32_601, message: "the method eth_getBlockReceipts does not exist"))
        case .logsOfBlock(let hash, let filter):
            guard let mined = chain.blocks[hash] else {
                return .refusal(Refusal(code: -32_000, message: "unknown block"))
            }
            return .result(Self.json(mined.logs.filter { filter?.includes($0) ?? true }))
        }
    }

    // MARK: JSON

    static func json(_ text: String) -> JSON.Value {
        guard let value = try? JSON.Value.parse(Array(text.utf8)) else { preconditionFailure("not JSON: \(text)") }
        return value
    }

    static func json(_ block: Block) -> JSON.Value {
        Self.json(
            """
            {"number":"\(Hex.quantity(block.number))","hash":"\(block.hash)","parentHash":"\(block.parentHash)",\
            "logsBloom":"\(Hex.text(block.bloom.bytes))"}
            """
        )
    }

    static func json(_ logs: [Log]) -> JSON.Value {
        var writer = JSON.Writer()
        writer.beginArray()
        for log in logs { writer.raw(log.json) }
        writer.endArray()
        return Self.json(String(decoding: writer.bytes, as: UTF8.self))
    }
}

extension [RPCCall] {
    /// The end of the range that is asked for.
    fileprivate var rangeEnd: Int? {
        for case .logsInRange(let range, _) in self { return range.upperBound }
        return nil
    }
}

extension EndpointRotation.Rules {
    /// Nothing rests, so that a test need not wait.
    static var restless: EndpointRotation.Rules {
        var rules = EndpointRotation.Rules()
        rules.rest = .zero ... .zero
        rules.probation = .zero ... .zero
        return rules
    }
}
