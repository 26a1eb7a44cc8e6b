// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
package import Ingest
import JSON
package import Logging
import NIOCore
import NIOHTTP1

/// An EVM node over HTTP, with one or more endpoints of the same chain.
package actor HTTPNode: EVMNode {
    package struct Limits: Sendable {
        /// Timeout of one batch, from connecting to the last byte.
        package var time: Duration = .seconds(20)
        /// Maximum size of an answer; a larger one is requested in parts.
        package var bytes = 16 << 20

        package init() {}
    }

    package nonisolated let endpoints: EndpointPool
    private let urls: [String]
    private let exchange: HTTPExchange
    private var lastID = 0

    /// - Parameters:
    /// - urls: At least one, in order of preference.
    /// - client: Owned and shut down by the caller.
    package init(
        urls: [String],
        client: HTTPClient,
        limits: Limits = Limits(),
        rules: EndpointRotation.Rules = .chain,
        logger: Logger
    ) {
        self.urls = urls
        self.endpoints = EndpointPool(urls, rules: rules, logger: logger)
        self.exchange = HTTPExchange(client, time: limits.time, bytes: limits.bytes, urls: urls)
    }

    package func ask(_ calls: [RPCCall], of endpoint: Int) async throws(NodeFault) -> [RPCAnswer] {
        guard self.urls.indices.contains(endpoint) else { throw .unfit(.refused, "there is no such endpoint") }
        let id = self.lastID + 1
        self.lastID += calls.count
        let body = try await self.post(Batch.request(calls, id: id), to: self.urls[endpoint])
        return try Batch.answers(body, count: calls.count, id: id)
    }

    private func post(_ body: [UInt8], to url: String) async throws(NodeFault) -> [UInt8] {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: body))
        let answer: HTTPExchange.Answer
        do throws(HTTPExchange.Fault) {
            answer = try await self.exchange.answer(to: request)
        } catch {
            switch error {
            case .tooLarge(let bytes): throw .tooLarge("the answer has more than \(bytes) bytes")
            case .unreachable(let why): throw .unfit(.unreachable, why)
            case .cancelled: throw .again("cancelled")
            }
        }
        try Self.check(answer)
        return answer.body
    }

    /// A status other than 200 decides, unless the body is a JSON-RPC error, which is more specific. For keys and
    /// quotas, the status decides.
    private static func check(_ answer: HTTPExchange.Answer) throws(NodeFault) {
        guard answer.status != 200 else { return }
        let value = try? JSON.Value.parse(answer.body)
        let refusal = value?["error"].flatMap { $0.kind == .object ? Refusal($0) : nil }
        let why = "it answered \(answer.status): \(refusal?.message ?? answer.beginning)"
        let isOfTheAccount = [401, 402, 403, 429].contains(answer.status)
        if !isOfTheAccount, refusal != nil || value?.kind == .array { return }
        if refusal?.meaning == .pruned { throw .unfit(.pruned, why) }
        switch EndpointTrouble(status: answer.status) {
        case .throttled: throw .slowDown(why, after: answer.after)
        case .failing: throw .again(why, after: answer.after)
        case _ where answer.status == 413: throw .tooLarge(why)
        case let trouble: throw .unfit(trouble, why, after: answer.after)
        }
    }
}

extension EndpointRotation.Rules {
    /// Endpoints of an EVM chain, whose positions are block numbers.
    package static var chain: EndpointRotation.Rules {
        var rules = EndpointRotation.Rules()
        rules.stall = .seconds(30)
        rules.lag = 16
        return rules
    }
}
