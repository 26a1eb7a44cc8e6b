// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import JSON
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

extension RunningHub {
    private static let channel = "rateChange:A"

    /// Publishes one event and says how it was answered.
    func publish(_ id: String, size: Int = 0, token: String) async throws -> Int {
        var request = HTTPClientRequest(url: self.url + "/events")
        request.method = .POST
        request.headers.add(name: "authorization", value: "Bearer \(token)")
        request.headers.add(name: "content-type", value: "application/json")
        let filler = String(repeating: "x", count: size)
        request.body = .bytes(
            ByteBuffer(
                string: #"{"type":"rateChange","key":"A","id":"\#(id)","data":{"rate":"1","filler":"\#(filler)"}}"#
            )
        )
        return Int(try await HTTPClient.shared.execute(request, timeout: .seconds(30)).status.code)
    }

    /// The ids of the events that are there, oldest first.
    func ids(_ token: String) async throws -> [String] {
        try await self.events(of: Self.channel, token: token).compactMap { $0["id"]?.string }
    }

    /// Waits until it says on both ports that it is not ready, and why.
    func waitUntilUnready(_ reason: String) async throws {
        try await eventually("it is not ready: \(reason)") {
            let answer = try await self.get("/health/ready")
            let body = try JSON.Value.parse(answer.body)
            return answer.status == 503 && body["reason"]?.string == reason && body["detail"] == nil
        }
        #expect(try await self.adminReadiness()["reason"]?.string == reason)
    }

    /// What the admin port says of whether it is ready.
    func adminReadiness() async throws -> JSON.Value {
        let request = HTTPClientRequest(url: try #require(self.adminURL) + "/health/ready")
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let body = try await response.body.collect(upTo: 1 << 16)
        return try JSON.Value.parse(Array(body.readableBytesView))
    }
}
