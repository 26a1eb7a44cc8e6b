// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import ChainSource
import JSON
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

/// The JSON-RPC node over py-evm (`Tests/System/Peers/evm`), a process of its own.
final class PeerNode: Sendable {
    let port: Int
    let contract: Address
    private let program: Program

    var url: String { "http://127.0.0.1:\(self.port)" }
    var webSocket: String { "ws://127.0.0.1:\(self.port)/" }

    /// Runs a body with a node, and ends it afterwards.
    static func with<Result>(seed: Int, _ body: (PeerNode) async throws -> Result) async throws -> Result {
        try await Script.withPeer("evm/node.py", ["\(seed)"], needsPackages: true) { program, port in
            try await body(try await PeerNode(program, port: port))
        }
    }

    private init(_ program: Program, port: Int) async throws {
        self.program = program
        self.port = port
        let info = try await Self.call("info", [], port: port)
        self.contract = try #require(info["contract"]?.string.flatMap { Address($0) })
    }

    /// Kills it, as if the provider were down.
    func kill() {
        self.program.terminate()
    }

    @discardableResult
    func control(_ name: String, _ parameters: String...) async throws -> JSON.Value {
        try await Self.call(name, parameters, port: self.port)
    }

    private static func call(_ name: String, _ parameters: [String], port: Int) async throws -> JSON.Value {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)")
        request.method = .POST
        let body =
            #"{"jsonrpc":"2.0","id":1,"method":"test_\#(name)","params":[\#(parameters.joined(separator: ","))]}"#
        request.body = .bytes(ByteBuffer(string: body))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(240))
        let bytes = try await response.body.collect(upTo: 256 << 20)
        let value = try JSON.Value.parse(Array(bytes.readableBytesView))
        return try #require(value["result"], "\(value["error"].map { String(decoding: $0.text, as: UTF8.self) } ?? "")")
    }

    /// The logs of the contract on the present branch, those of the wanted events only.
    func truth(_ chain: Chain) async throws -> [Log] {
        try Log.list(try await self.control("truth")).filter { chain.wanted($0) != nil }
    }

    var head: Int {
        get async throws { try #require(try await self.control("info")["head"]?.integer(in: .seq)) }
    }

    static let events = [
        "Investment(address indexed investor, uint256 amount, uint256 shares)",
        "Redemption(address indexed investor, uint256 shares, uint256 amount)",
        "Transfer(address indexed sender, address indexed receiver, uint256 value)",
        "Notice(bytes32 indexed reference, address author, string text)",
    ]

    /// Everything that the contract emits.
    func chain(_ name: String = "peer") throws -> Chain {
        var chain = Chain(
            name: name,
            contracts: [self.contract: try Self.events.map { Chain.WantedEvent(signature: try EventSignature($0)) }]
        )
        chain.confirmations = 3
        chain.firstSpan = 8
        return chain
    }

    /// The same as a configuration file has it.
    var configuration: String {
        """
        chains:
          peer:
            endpoints: \(self.url)
            websocket: \(self.webSocket)
            chain-id: 1337
            confirmations: 3
            poll: 200ms
            contracts:
              "\(self.contract)":
        \(Self.events.map { "        - \($0)" }.joined(separator: "\n"))

        """
    }
}
