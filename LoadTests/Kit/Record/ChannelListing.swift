// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import BroadtapeClient
import JSON
import NIOCore
import NIOHTTP1

/// Lists the channels of a hub: `GET /channels`.
struct ChannelListing {
    private static let page = 1_000
    private static let answerBytes = 4 << 20

    let address: HubAddress
    let token: String?
    let client: HTTPClient

    /// The names of the channels that may be read and begin with one of these prefixes.
    /// - Parameter limit: Most channels; more are an error.
    func names(prefixes: [String], limit: Int) async throws -> [String] {
        var names: Set<ExactText> = []
        for prefix in prefixes.isEmpty ? [""] : prefixes {
            var after: String?
            repeat {
                let value = try await self.get(prefix: prefix, after: after)
                names.formUnion(
                    value["channels"]?.elements.compactMap { $0["channel"]?.string.map { ExactText($0) } } ?? []
                )
                after = value["next"]?.string
                guard names.count <= limit else {
                    throw RunError.unexpected("there are more than \(limit) channels; give --prefix or channels")
                }
            } while after != nil
        }
        return names.sorted().map(\.text)
    }

    private func get(prefix: String, after: String?) async throws -> JSON.Value {
        var target = "/channels?limit=\(Self.page)&prefix=\(Self.escaped(prefix))"
        if let after { target += "&after=\(Self.escaped(after))" }
        var request = HTTPClientRequest(url: self.address.url(target))
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        let response: HTTPClientResponse
        do {
            response = try await self.client.execute(request, timeout: .seconds(10))
        } catch {
            throw RunError.unexpected("cannot list the channels of \(self.address): \(error)")
        }
        let body = try await response.body.collect(upTo: Self.answerBytes)
        guard response.status.code == 200, let value = try? JSON.Value.parse(Array(body.readableBytesView)) else {
            throw RunError.unexpected(
                "\(self.address) answered the listing of channels with \(response.status.code): "
                    + String(decoding: body.readableBytesView.prefix(200), as: UTF8.self)
            )
        }
        return value
    }

    /// Percent-encoded for a query (RFC 3986 §3.4).
    static func escaped(_ text: String) -> String {
        let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~".utf8)
        return text.utf8.reduce(into: "") { result, byte in
            if plain.contains(byte) {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                result += "%" + String(repeating: "0", count: 2 - digits.count) + digits
            }
        }
    }
}
