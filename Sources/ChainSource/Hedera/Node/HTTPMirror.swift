// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
import JSON
import NIOCore
import NIOHTTP1

/// A mirror node over HTTP, at one of several endpoints, which are to be of one network.
///
/// Stays with an endpoint as long as it is of use, as ``HTTPNode`` does.
package actor HTTPMirror: MirrorNode {
    package struct Limits: Sendable {
        /// Of one request, from connecting to the last byte.
        package var time: Duration = .seconds(20)
        /// Largest answer.
        package var bytes = 32 << 20
        /// Disappointments in a row before another endpoint is asked.
        package var patience = 3

        package init() {}
    }

    private let urls: [String]
    private let client: HTTPClient
    private let limits: Limits
    private var current = 0
    private var disappointments = 0

    /// - Parameters:
    ///   - urls: At least one; what is asked for is put behind it, so a path that a provider wants may be there.
    ///   - client: The caller's, who shuts it down.
    package init(urls: [String], client: HTTPClient, limits: Limits = Limits()) {
        self.urls = urls.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
        self.client = client
        self.limits = limits
    }

    package var endpoint: Int {
        self.current
    }

    package func disappointed() {
        self.disappointments += 1
        guard self.disappointments >= self.limits.patience else { return }
        self.disappointments = 0
        self.current = (self.current + 1) % max(1, self.urls.count)
    }

    package func get(_ path: String) async throws(NodeFault) -> MirrorAnswer {
        guard self.urls.indices.contains(self.current) else { throw .stop("there is no endpoint") }
        var request = HTTPClientRequest(url: self.urls[self.current] + path)
        request.headers.add(name: "Accept", value: "application/json")
        let answer: (status: Int, after: Duration?, body: [UInt8])
        do {
            let response = try await self.client.execute(request, deadline: .now() + TimeAmount(self.limits.time))
            var body = try await response.body.collect(upTo: self.limits.bytes)
            let after = response.headers.first(name: "retry-after").flatMap { Int(decimal: $0, in: .seq) }
            answer = (
                Int(clamping: response.status.code), after.map { .seconds(min(max(0, $0), 3_600)) },
                body.readBytes(length: body.readableBytes) ?? []
            )
        } catch is NIOTooManyBytesError {
            throw .again("the answer has more than \(self.limits.bytes) bytes")
        } catch is CancellationError {
            throw .again("cancelled")
        } catch {
            // Says what is wrong with the address, never the address itself: it may hold a key.
            throw .again("the mirror cannot be reached: \(error)")
        }
        let read = try MirrorRefusal.read(status: answer.status, after: answer.after, answer.body)
        self.disappointments = 0
        return read
    }
}
