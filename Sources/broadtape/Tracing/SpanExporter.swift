// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Hub
import Logging
import NIOCore
import NIOHTTP1
import SafeText
import ServiceLifecycle
import Synchronization

/// Sends spans to an OpenTelemetry collector (OTLP/HTTP with JSON, `POST /v1/traces`), once a second.
///
/// Spans that the collector rejects are dropped, and so are those beyond ``limit`` in the queue: traces matter less
/// than the events they describe.
final class SpanExporter: Service, CustomStringConvertible {
    let description = "spans"

    /// Maximum number of queued spans.
    private static let limit = 4_096
    /// Spans per request.
    private static let batch = 512
    private static let pause: Duration = .seconds(1)
    private static let timeout = TimeAmount.seconds(5)

    private struct Waiting {
        var spans: [Span] = []
        var lost = 0
    }

    private let url: String
    private let secrets: AddressSecrets
    private let node: String
    private let client: HTTPClient
    private let logger: Logger
    private let waiting = Mutex(Waiting())

    /// - Parameter endpoint: Of the collector, such as `http://127.0.0.1:4318`.
    init(endpoint: String, node: String, on group: any EventLoopGroup, logger: Logger) {
        self.client = HTTPClient(eventLoopGroup: group)
        self.url = (endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint) + "/v1/traces"
        self.secrets = AddressSecrets(ofAddress: endpoint)
        self.node = node
        self.logger = logger
    }

    @Sendable
    func record(_ span: Span) {
        self.waiting.withLock { waiting in
            if waiting.spans.count < Self.limit { waiting.spans.append(span) } else { waiting.lost += 1 }
        }
    }

    func run() async {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: Self.pause)) != nil {
                await self.send()
            }
        }
        // The spans of the last second.
        await self.send()
        try? await self.client.shutdown()
    }

    private func send() async {
        var waiting = Waiting()
        self.waiting.withLock { swap(&$0, &waiting) }
        var spans = waiting.spans[...]
        var lost = waiting.lost
        var reason = "more than \(Self.limit) were queued"
        while !spans.isEmpty {
            let batch = spans.prefix(Self.batch)
            spans = spans.dropFirst(Self.batch)
            do {
                try await self.post(Array(batch))
            } catch {
                lost += batch.count + spans.count
                reason = self.secrets.removed(from: "\(error)")
                break
            }
        }
        if lost > 0 {
            self.logger.warning("spans were lost", metadata: ["spans": "\(lost)", "reason": "\(reason)"])
        }
    }

    private struct Refused: Error, CustomStringConvertible {
        let description: String
    }

    private func post(_ spans: [Span]) async throws {
        var request = HTTPClientRequest(url: self.url)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: SpanText.request(spans, node: self.node)))
        let response = try await self.client.execute(request, timeout: Self.timeout)
        guard (200..<300).contains(response.status.code) else {
            throw Refused(description: "the collector answered \(response.status)")
        }
    }
}
