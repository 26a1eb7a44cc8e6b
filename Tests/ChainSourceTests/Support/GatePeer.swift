// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import JSON
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

/// A provider's endpoint in front of a node or a mirror (`Tests/System/Peers/gate`): a separate process that rejects
/// requests, lags or stalls on command.
final class GatePeer: Sendable {
    let port: Int

    var url: String { "http://127.0.0.1:\(self.port)/v3/0123456789abcdef" }
    var webSocket: String { "ws://127.0.0.1:\(self.port)/v3/0123456789abcdef" }
    /// As it is shown to operators.
    var name: String { "http://127.0.0.1:\(self.port)" }

    /// Runs a body with a gate before a port, and ends it afterwards. It needs nothing but the system's Python.
    static func with<Result>(before behind: Int, _ body: (GatePeer) async throws -> Result) async throws -> Result {
        try await Script.withPeer("gate/gate.py", ["\(behind)"]) { _, port in
            try await body(GatePeer(port: port))
        }
    }

    private init(port: Int) {
        self.port = port
    }

    /// - Parameter members: JSON, without the braces.
    /// - Returns: How many requests there have been.
    @discardableResult
    func set(_ mode: String, _ members: String = "") async throws -> Int {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(self.port)/gate")
        request.method = .POST
        let comma = members.isEmpty ? "" : ","
        request.body = .bytes(ByteBuffer(string: #"{"mode":"\#(mode)"\#(comma)\#(members)}"#))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let body = try await response.body.collect(upTo: 1 << 20)
        try #require(response.status == .ok, "\(String(buffer: body))")
        return try #require(try JSON.Value.parse(Array(body.readableBytesView))["requests"]?.integer(in: .seq))
    }
}
