// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
package import Ingest
import JSON
package import Logging
import NIOHTTP1

/// A mirror node over HTTP, with one or more endpoints of the same network.
package struct HTTPMirror: MirrorNode {
    package struct Limits: Sendable {
        /// Timeout of one request, from connecting to the last byte.
        package var time: Duration = .seconds(20)
        /// Maximum size of an answer.
        package var bytes = 32 << 20

        package init() {}
    }

    package let endpoints: EndpointPool
    private let urls: [String]
    private let exchange: HTTPExchange

    /// - Parameters:
    /// - urls: At least one, in order of preference. Request paths are appended, so a URL may have a path that a
    ///   provider requires.
    ///   - client: Owned and shut down by the caller.
    package init(
        urls: [String],
        client: HTTPClient,
        limits: Limits = Limits(),
        rules: EndpointRotation.Rules = .mirror,
        logger: Logger
    ) {
        self.urls = urls.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
        self.endpoints = EndpointPool(urls, rules: rules, logger: logger)
        self.exchange = HTTPExchange(client, time: limits.time, bytes: limits.bytes, urls: urls)
    }

    package func get(_ path: String, of endpoint: Int) async throws(NodeFault) -> MirrorAnswer {
        guard self.urls.indices.contains(endpoint) else { throw .unfit(.refused, "there is no such endpoint") }
        var request = HTTPClientRequest(url: self.urls[endpoint] + path)
        request.headers.add(name: "Accept", value: "application/json")
        let answer: HTTPExchange.Answer
        do throws(HTTPExchange.Fault) {
            answer = try await self.exchange.answer(to: request)
        } catch {
            switch error {
            case .tooLarge(let bytes): throw .again("the answer has more than \(bytes) bytes")
            case .unreachable(let why): throw .unfit(.unreachable, why)
            case .cancelled: throw .again("cancelled")
            }
        }
        return try MirrorRefusal.read(
            status: answer.status,
            after: answer.after,
            answer.body,
            beginning: answer.beginning
        )
    }
}

extension EndpointRotation.Rules {
    /// Endpoints of a Hedera network, whose positions are nanoseconds of consensus time.
    package static var mirror: EndpointRotation.Rules {
        var rules = EndpointRotation.Rules()
        rules.stall = .seconds(30)
        rules.lag = 30_000_000_000
        return rules
    }
}
