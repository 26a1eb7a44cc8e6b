// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
import JSON
import NIOCore
import NIOHTTP1

/// A node over HTTP, at one of several endpoints, which are to be of one chain.
///
/// Stays with an endpoint as long as it is of use: after some answers in a row that were not, the next one's turn comes.
package actor HTTPNode: EVMNode {
    package struct Limits: Sendable {
        /// Of one batch, from connecting to the last byte.
        package var time: Duration = .seconds(20)
        /// Largest answer; a larger one is asked for in parts.
        package var bytes = 16 << 20
        /// Disappointments in a row before another endpoint is asked.
        package var patience = 3

        package init() {}
    }

    private let urls: [String]
    private let client: HTTPClient
    private let limits: Limits
    private var current = 0
    private var disappointments = 0
    private var lastID = 0

    /// - Parameters:
    ///   - urls: At least one.
    ///   - client: The caller's, who shuts it down.
    package init(urls: [String], client: HTTPClient, limits: Limits = Limits()) {
        self.urls = urls
        self.client = client
        self.limits = limits
    }

    package var endpoint: Int {
        self.current
    }

    package func disappointed() {
        self.disappointments += 1
        if self.disappointments >= self.limits.patience { self.next() }
    }

    private func next() {
        self.disappointments = 0
        self.current = (self.current + 1) % max(1, self.urls.count)
    }

    package func ask(_ calls: [RPCCall]) async throws(NodeFault) -> [RPCAnswer] {
        guard self.urls.indices.contains(self.current) else { throw .stop("there is no endpoint") }
        let id = self.lastID + 1
        self.lastID += calls.count
        let url = self.urls[self.current]
        let body = try await self.post(Batch.request(calls, id: id), to: url)
        let answers = try Batch.answers(body, count: calls.count, id: id)
        self.disappointments = 0
        return answers
    }

    private func post(_ body: [UInt8], to url: String) async throws(NodeFault) -> [UInt8] {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: body))
        let deadline = NIODeadline.now() + TimeAmount(self.limits.time)
        do {
            let response = try await self.client.execute(request, deadline: deadline)
            var answer = try await response.body.collect(upTo: self.limits.bytes)
            let bytes = answer.readBytes(length: answer.readableBytes) ?? []
            try Self.check(response, bytes)
            return bytes
        } catch let fault as NodeFault {
            throw fault
        } catch is NIOTooManyBytesError {
            throw .tooLarge("the answer has more than \(self.limits.bytes) bytes")
        } catch is CancellationError {
            throw .again("cancelled")
        } catch {
            // Says what is wrong with the address, never the address itself: it may hold a key.
            throw .again("the node cannot be reached: \(error)")
        }
    }

    /// A status of its own, unless the body is JSON-RPC, which says it better.
    private static func check(_ response: HTTPClientResponse, _ body: [UInt8]) throws(NodeFault) {
        let status = Int(clamping: response.status.code)
        guard status != 200 else { return }
        if status != 429, let value = try? JSON.Value.parse(body),
            value.kind == .array || value["error"]?.kind == .object
        {
            return
        }
        let after = response.headers.first(name: "retry-after").flatMap { Int(decimal: $0, in: .seq) }.map {
            Duration.seconds(min(max(0, $0), 3_600))
        }
        let why = "the node answered \(status): \(String(decoding: body.prefix(120), as: UTF8.self))"
        switch status {
        case 429: throw .slowDown(why, after: after)
        case 413: throw .tooLarge(why)
        case 408, 425: throw .again(why, after: after)
        case 400..<500: throw .stop(why)
        default: throw .again(why, after: after)
        }
    }
}
