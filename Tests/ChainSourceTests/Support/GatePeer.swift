// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import HubTestSupport
import JSON
import NIOCore
import NIOHTTP1
import Testing

/// A provider's endpoint in front of a node or a mirror (`Tests/Peers/gate`): a separate process that rejects requests,
/// lags or stalls on command.
final class GatePeer: Sendable {
    let port: Int

    var url: String { "http://127.0.0.1:\(self.port)/v3/0123456789abcdef" }
    var webSocket: String { "ws://127.0.0.1:\(self.port)/v3/0123456789abcdef" }
    /// As it is shown to operators.
    var name: String { "http://127.0.0.1:\(self.port)" }

    /// Runs a body with a gate before a port, and ends it afterwards. It needs nothing but the system's Python.
    static func with<Result>(before behind: Int, _ body: (GatePeer) async throws -> Result) async throws -> Result {
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let script = PeerNode.folder.appendingPathComponent("Tests/Peers/gate/gate.py").path
        process.arguments = ["python3", script, "\(behind)"]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        defer {
            try? input.fileHandleForWriting.close()
            process.terminate()
        }
        let port = Watched<Int?>(nil)
        let handle = output.fileHandleForReading
        Thread.detachNewThread {
            var text = ""
            while !text.contains("\n") {
                let data = handle.availableData
                guard !data.isEmpty else { break }
                text += String(decoding: data, as: UTF8.self)
            }
            port.change { $0 = Int(text.prefix { $0 != "\n" }) ?? 0 }
        }
        try await port.wait(for: "the gate to listen", within: .seconds(60)) { $0 != nil }
        return try await body(GatePeer(port: try #require(port.value)))
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
