// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import ChainSource
import JSON
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

/// The mirror node of `Tests/System/Peers/mirror`, a process of its own.
final class MirrorPeer: Sendable {
    static let contract = EntityID(number: 5)
    static let topic = EntityID(number: 7)
    static let event = "Paid(address indexed holder, uint256 amount)"
    /// The beginning of its time.
    static let begin = ConsensusTime(nanoseconds: 1_700_000_000_000_000_000)

    let port: Int

    var url: String { "http://127.0.0.1:\(self.port)" }

    /// Runs a body with a mirror, and ends it afterwards. It needs nothing but the system's Python.
    static func with<Result>(seed: Int, _ body: (MirrorPeer) async throws -> Result) async throws -> Result {
        try await Script.withPeer("mirror/mirror.py", ["\(seed)"]) { _, port in
            try await body(MirrorPeer(port: port))
        }
    }

    private init(port: Int) {
        self.port = port
    }

    /// - Parameter parameters: A JSON object.
    @discardableResult
    func control(_ name: String, _ parameters: String = "{}") async throws -> JSON.Value {
        var request = HTTPClientRequest(url: self.url)
        request.method = .POST
        request.body = .bytes(ByteBuffer(string: #"{"do":"\#(name)","with":\#(parameters)}"#))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let body = try await response.body.collect(upTo: 64 << 20)
        try #require(response.status == .ok, "\(String(buffer: body))")
        return try JSON.Value.parse(Array(body.readableBytesView))
    }

    func advance(_ seconds: Int) async throws {
        try await self.control("advance", #"{"seconds":\#(seconds)}"#)
    }

    /// Of the wanted contract, or of another one with the same event.
    func emit(_ transactions: Int, _ logs: Int, of contract: EntityID = MirrorPeer.contract) async throws {
        let signature = try EventSignature(Self.event)
        try await self.control(
            "emit",
            """
            {"contract":"\(contract)","transactions":\(transactions),"logs":\(logs),\
            "topics":["\(signature.topic)","0x{user}"],"data":"0x{amount}"}
            """
        )
    }

    func say(_ messages: Int, chunks: Int = 1, size: Int = 20) async throws {
        try await self.control(
            "say",
            #"{"topic":"\#(Self.topic)","messages":\#(messages),"chunks":\#(chunks),"size":\#(size)}"#
        )
    }

    /// What a mirror would tell that is never late: the logs of the contract, and how many messages the topic has, its
    /// parts joined.
    func truth() async throws -> (logs: [(key: String, amount: String)], messages: [Int: String]) {
        let value = try await self.control("truth")
        var logs: [(key: String, amount: String)] = []
        for row in value["logs"]?.elements.map({ $0 }) ?? [] {
            guard row["contract_id"]?.string == "\(Self.contract)" else { continue }
            let time = try #require(row["timestamp"]?.string)
            let index = try #require(row["index"]?.integer(in: .seq))
            let data = try #require(row["data"]?.string.flatMap(Hex.bytes))
            logs.append(("\(time) \(index)", BigNumber.decimal(data)))
        }
        var parts: [String: [Int: [UInt8]]] = [:]
        var messages: [Int: String] = [:]
        for row in value["messages"]?.elements.map({ $0 }) ?? [] {
            let message = try MirrorMessage(row)
            guard let chunk = message.chunk else {
                messages[message.sequence] = Self.text(message.content)
                continue
            }
            parts[chunk.message, default: [:]][chunk.number] = message.content
            guard let all = parts[chunk.message], all.count == chunk.total else { continue }
            messages[message.sequence] = Self.text(all.sorted { $0.key < $1.key }.flatMap(\.value))
        }
        return (logs, messages)
    }

    private static func text(_ bytes: [UInt8]) -> String {
        String(validating: bytes, as: UTF8.self) ?? Base64.text(bytes)
    }

    /// Its contract and topic.
    func mirror(_ name: String = "hedera") throws -> Mirror {
        var mirror = Mirror(
            name: name,
            contracts: [.id(Self.contract): [Chain.WantedEvent(signature: try EventSignature(Self.event))]],
            topics: [Self.topic]
        )
        mirror.start = ConsensusTime(nanoseconds: 0)
        return mirror
    }

    /// The same as a configuration file has it.
    var configuration: String {
        """
        chains:
          hedera:
            kind: hedera
            endpoints: [\(self.url)/]
            poll: 100ms
            contracts:
              \(Self.contract):
                - \(Self.event)
            topics: [\(Self.topic)]

        """
    }
}
