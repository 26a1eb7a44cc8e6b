// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AsyncHTTPClient
import BroadtapeClient
import Foundation
import JSON
import NIOCore
import NIOHTTP1
import SafeText
import Terminal

/// `broadtape channels`: lists the channels of the tape.
struct Channels: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List channels with their head and oldest retained number.",
        discussion: "Shows the channels that the token may read; the scope read:* shows all."
    )

    @Argument(help: "Prefix of the channel names to list.")
    var prefix = ""

    @OptionGroup var hub: HubOptions

    func run() async throws {
        let address = try self.hub.address()
        let token = try await self.hub.tokenProvider?()
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: try Publisher.configuration(self.hub.credentials)
        )
        do {
            try await self.list(from: address, token: token, through: client)
            try await client.shutdown()
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    private func list(from address: HubAddress, token: String?, through client: HTTPClient) async throws {
        var after: String?
        repeat {
            let page = try await self.page(of: address, after: after, token: token, through: client)
            for channel in page["channels"]?.elements.map({ $0 }) ?? [] {
                guard let name = channel["channel"]?.string, let head = channel["head"]?.integer(in: .seq),
                    let first = channel["first"]?.integer(in: .seq)
                else { continue }
                StandardStream.output.print(name, "head \(head)", "first \(first)")
            }
            after = page["next"]?.string
        } while after != nil
    }

    private func page(
        of address: HubAddress,
        after: String?,
        token: String?,
        through client: HTTPClient
    ) async throws -> JSON.Value {
        var components = URLComponents(string: address.description) ?? URLComponents()
        components.path = "/channels"
        components.queryItems = [
            URLQueryItem(name: "prefix", value: self.prefix), URLQueryItem(name: "limit", value: "1000"),
        ]
        if let after { components.queryItems?.append(URLQueryItem(name: "after", value: after)) }
        var request = HTTPClientRequest(url: components.string ?? "")
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        let response = try await client.execute(request, timeout: .seconds(30))
        let body = try await response.body.collect(upTo: 16 << 20)
        let value = try JSON.Value.parse(Array(body.readableBytesView))
        guard response.status == .ok else {
            throw ValidationError(value["detail"]?.string.map(Escape.text) ?? "the hub answered \(response.status)")
        }
        return value
    }
}
