// SPDX-License-Identifier: Apache-2.0

import ChainSource
import Ingest
import JSON
import Logging
import Synchronization
import TestSupport

/// A mirror node in memory, whose every answer a test decides about.
final class SimulatedMirror: MirrorNode {
    struct Row: Sendable {
        var key: LogKey
        var contract = SimulatedMirror.contract
        var amount = 0
        /// Not in any answer while it is.
        var isHidden = false
        var topics: [String]?
        var data: String?
    }

    struct Message: Sendable {
        var sequence: Int
        var time: ConsensusTime
        var content: [UInt8]
        var chunk: (id: String, number: Int, total: Int)?
        var isHidden = false
    }

    struct State: Sendable {
        /// The end of the newest block.
        var head = ConsensusTime(nanoseconds: 0)
        var rows: [Row] = []
        var messages: [Message] = []
        var pageRows = 100
        var network = 1
        var paths: [String] = []
        /// Replaces answers; nil leaves one as it is.
        var interception: Interception?
        /// Of one endpoint only.
        var interceptions: [Int: Interception] = [:]
    }

    typealias Interception = @Sendable (_ path: String, _ answer: String) throws(NodeFault) -> String?

    static let contract = EntityID(number: 5)
    static let topic = EntityID(number: 7)
    static let event = "Paid(address indexed holder, uint256 amount)"
    /// Within 64 bits and far from the ends.
    static let begin = ConsensusTime(nanoseconds: 1_700_000_000_000_000_000)

    let state = Mutex(State())
    let endpoints: EndpointPool
    private let signature: EventSignature

    /// - Parameter endpoints: How many there are; none rests for any time.
    init(endpoints count: Int = 1, rules: EndpointRotation.Rules = .restless) throws {
        self.endpoints = EndpointPool(
            (1...count).map { "http://mirror-\($0)" },
            rules: rules,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        self.signature = try EventSignature(Self.event)
        self.change { $0.head = Self.begin }
    }

    @discardableResult
    func change<Result>(_ body: (inout State) -> Result) -> Result {
        self.state.withLock { body(&$0) }
    }

    static func time(_ seconds: Double) -> ConsensusTime {
        Self.begin.advanced(by: .milliseconds(Int(seconds * 1000)))
    }

    /// Seconds after the beginning.
    func advance(to seconds: Double) {
        self.change { $0.head = Self.time(seconds) }
    }

    func add(_ seconds: Double, index: Int = 0, amount: Int = 1, isHidden: Bool = false) {
        let row = Row(key: LogKey(Self.time(seconds), index), amount: amount, isHidden: isHidden)
        self.change { $0.rows.append(row) }
    }

    func setHidden(_ seconds: Double, index: Int = 0, _ isHidden: Bool) {
        let key = LogKey(Self.time(seconds), index)
        self.change { state in
            for place in state.rows.indices where state.rows[place].key == key {
                state.rows[place].isHidden = isHidden
            }
        }
    }

    func say(_ sequence: Int, _ content: String, chunk: (id: String, number: Int, total: Int)? = nil) {
        let time = Self.time(Double(sequence))
        self.change {
            $0.messages.append(Message(sequence: sequence, time: time, content: Array(content.utf8), chunk: chunk))
        }
    }

    /// The paths asked for since this was called last.
    func takePaths() -> [String] {
        self.change { state in
            defer { state.paths = [] }
            return state.paths
        }
    }

    // MARK: MirrorNode

    /// As if the endpoint in use were gone.
    func moveToAnotherEndpoint() {
        guard case .ask(let index) = self.endpoints.choose() else { return }
        self.endpoints.failed(index, .unreachable, "a fault of the test")
    }

    func get(_ path: String, of endpoint: Int) throws(NodeFault) -> MirrorAnswer {
        let state = self.change { state in
            state.paths.append(path)
            return state
        }
        var answer = try self.answer(path, state)
        if let interception = state.interception { answer = try interception(path, answer) ?? answer }
        if let interception = state.interceptions[endpoint] { answer = try interception(path, answer) ?? answer }
        guard answer != "404" else { return .missing("No contract with the given evm address 0x… has been found.") }
        return try MirrorRefusal.read(status: 200, after: nil, Array(answer.utf8))
    }

    private func answer(_ path: String, _ state: State) throws(NodeFault) -> String {
        let parts = path.split(separator: "?")
        let query = parts.dropFirst().first?.split(separator: "&").map(String.init) ?? []
        func bound(_ prefix: String) -> String? {
            query.last { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
        }
        if path.contains("/results/logs") {
            let low = bound("timestamp=gte:").flatMap { ConsensusTime($0) } ?? Self.begin
            let high = bound("timestamp=lt:").flatMap { ConsensusTime($0) }
            let index = bound("index=gt:").flatMap { Int($0) } ?? -1
            let rows = state.rows.sorted { $0.key < $1.key }.filter { row in
                !row.isHidden && row.key.time <= state.head && high.map { row.key.time < $0 } ?? true
                    && row.key > LogKey(low, index)
            }
            let page = rows.prefix(state.pageRows)
            var next = "null"
            if page.count == state.pageRows, let last = page.last {
                let end = high.map { "&timestamp=lt:\($0)" } ?? ""
                next =
                    "\"\(parts[0])?limit=100&order=asc\(end)&timestamp=gte:\(last.key.time)&index=gt:\(last.key.index)\""
            }
            let texts = page.map { self.json($0, state) }
            return #"{"logs":[\#(texts.joined(separator: ","))],"links":{"next":\#(next)}}"#
        }
        if path.contains("/messages") {
            let after = bound("sequencenumber=gt:").flatMap { Int($0) } ?? 0
            let since = bound("timestamp=gte:").flatMap { ConsensusTime($0) } ?? Self.begin
            let rows = state.messages.filter {
                $0.sequence > after && $0.time >= since && !$0.isHidden && $0.time <= state.head
            }
            let page = rows.prefix(state.pageRows)
            let next =
                page.count == state.pageRows ? "\"\(parts[0])?sequencenumber=gt:\(page.last?.sequence ?? 0)\"" : "null"
            return #"{"messages":[\#(page.map(Self.json).joined(separator: ","))],"links":{"next":\#(next)}}"#
        }
        if path.hasPrefix(MirrorPath.root + "blocks?") {
            return #"{"blocks":[\#(Self.block(state.head, state.network))],"links":{"next":null}}"#
        }
        return Self.block(state.head, state.network, number: Int(path.split(separator: "/").last ?? "") ?? 0)
    }

    private static func block(_ head: ConsensusTime, _ network: Int, number: Int? = nil) -> String {
        let number = number ?? Int(head.nanoseconds / 2_000_000_000)
        return
            #"{"number":\#(number),"hash":"\#(Self.hash(number, network, 48))","timestamp":{"from":"0.0","to":"\#(head)"}}"#
    }

    /// So many bytes that depend on two numbers.
    static func hash(_ number: Int, _ salt: Int, _ bytes: Int) -> String {
        let digest = Keccak256.digest("\(salt) \(number)".utf8).bytes
        return Hex.text((0..<bytes).map { digest[$0 % 32] })
    }

    private func json(_ row: Row, _ state: State) -> String {
        let holder = "0x" + String(repeating: "0", count: 63) + "1"
        let topics = row.topics ?? [self.signature.topic.description, holder]
        let amount = String(row.amount, radix: 16)
        let data = row.data ?? "0x" + String(repeating: "0", count: 64 - amount.count) + amount
        let seconds = Int(row.key.time.nanoseconds / 2_000_000_000)
        return """
            {"address":"\(row.contract.longZero?.description ?? "")","contract_id":"\(row.contract)","data":"\(data)",\
            "index":\(row.key.index),"topics":[\(topics.map { "\"\($0)\"" }.joined(separator: ","))],\
            "block_hash":"\(Self.hash(seconds, state.network, 48))","block_number":\(seconds),"bloom":"0x",\
            "timestamp":"\(row.key.time)","transaction_index":null,"root_contract_id":null,\
            "transaction_hash":"\(Self.hash(Int(row.key.time.nanoseconds), 0, 32))"}
            """
    }

    private static func json(_ message: Message) -> String {
        var chunk = "null"
        if let info = message.chunk {
            chunk = """
                {"initial_transaction_id":{"account_id":"0.0.2","transaction_valid_start":"\(info.id)"},\
                "number":\(info.number),"total":\(info.total)}
                """
        }
        return """
            {"topic_id":"\(Self.topic)","sequence_number":\(message.sequence),"consensus_timestamp":"\(message.time)",\
            "payer_account_id":"0.0.2","running_hash":"aGFzaA==","running_hash_version":3,\
            "message":"\(Base64.text(message.content))","chunk_info":\(chunk)}
            """
    }
}
