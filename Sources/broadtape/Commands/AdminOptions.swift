// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AsyncHTTPClient
import Foundation
import JSON
import NIOCore
import NIOHTTP1
import SafeText

/// Options that select the node for an operator's command.
struct AdminOptions: ParsableArguments {
    @Option(help: "Address of the node's admin port (environment: BROADTAPE_ADMIN_URL; default http://127.0.0.1:8081).")
    var adminUrl: String?

    /// The admin port does not answer.
    struct Unreachable: Error, CustomStringConvertible {
        let description: String
    }

    private static let answerLimit = 16 << 20

    /// Sends a request and returns the response.
    /// - Parameters:
    ///   - query: Names and values.
    ///   - json: The body, if there is one.
    ///   - timeout: After which the node counts as unreachable; until then, connecting is retried.
    func send(
        _ method: HTTPMethod,
        _ path: String,
        query: KeyValuePairs<String, String> = [:],
        json: JSON.Writer? = nil,
        timeout: TimeAmount = .seconds(10)
    ) async throws -> JSON.Value {
        let address = self.adminUrl ?? Variable.value("BROADTAPE_ADMIN_URL") ?? "http://127.0.0.1:8081"
        guard var place = URLComponents(string: address) else {
            throw ValidationError("\(Redaction.address(address)) is not an address")
        }
        place.path = path
        if !query.isEmpty { place.queryItems = query.map { URLQueryItem(name: $0.key, value: $0.value) } }
        var request = HTTPClientRequest(url: place.string ?? address)
        request.method = method
        if let json {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: json.bytes))
        }
        let response: HTTPClientResponse
        do {
            response = try await HTTPClient.shared.execute(request, timeout: timeout)
        } catch {
            throw Unreachable(description: "no node answers at \(Redaction.address(address)): \(error)")
        }
        let body = try await response.body.collect(upTo: Self.answerLimit)
        // A response may have no body.
        let value = try JSON.Value.parse(body.readableBytes > 0 ? Array(body.readableBytesView) : Array("{}".utf8))
        guard (200..<300).contains(response.status.code) else {
            throw ValidationError(value["detail"]?.string.map(Escape.text) ?? "the node answered \(response.status)")
        }
        return value
    }
}
