// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
import JSON
import NIOCore
import NIOHTTP1

/// Publishes events over HTTP.
///
/// Retries with the same ids when the hub cannot commit at the moment or cannot be reached, so that every event is
/// appended once, no matter how often it was sent.
public struct Publisher: Sendable {
    /// Largest answer that is read: results of 10,000 events with several long channels each.
    private static let answerBytes = 64 << 20

    /// Where the hub is.
    public let address: HubAddress
    /// When events are sent again.
    public var retries: Retries
    private let token: TokenProvider?
    private let client: HTTPClient

    /// Creates a publisher that shares the process's HTTP connections.
    /// - Parameter token: Provides tokens with the scope `publish:<type>`; called before every attempt.
    public init(to address: HubAddress, token: TokenProvider?, retries: Retries = Retries()) {
        self.init(to: address, token: token, retries: retries, client: Self.sharedClient)
    }

    /// Reports a failed connection at once, instead of trying until the deadline: when to try again is decided
    /// here.
    ///
    /// Never shut down: it uses the process's own loops.
    private static let sharedClient = HTTPClient(
        eventLoopGroupProvider: .singleton,
        configuration: Publisher.configuration
    )

    /// How HTTP clients for publishers are configured.
    package static var configuration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(10))
        )
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        return configuration
    }

    /// How an HTTP client for publishers with its own certificates is configured.
    package static func configuration(_ tls: ClientTLS) throws -> HTTPClient.Configuration {
        var configuration = Self.configuration
        configuration.tlsConfiguration = try tls.configuration()
        return configuration
    }

    /// Creates a publisher with a client of the caller's, who shuts it down.
    package init(to address: HubAddress, token: TokenProvider?, retries: Retries, client: HTTPClient) {
        self.address = address
        self.token = token
        self.retries = retries
        self.client = client
    }

    /// Publishes events in one transaction: all of them or none.
    ///
    /// - Returns: One receipt per event, in order.
    public func publish(_ publications: [Publication]) async throws(PublishError) -> [Receipt] {
        guard !publications.isEmpty else { return [] }
        let body = Self.body(publications)
        let start = NIODeadline.now()
        var attempts = 0
        while true {
            let error: PublishError
            do throws(PublishError) {
                let receipts = try await self.attempt(body, attempts: attempts + 1)
                guard receipts.count == publications.count else {
                    throw .unexpectedAnswer(
                        status: 200,
                        excerpt: "\(receipts.count) results for \(publications.count) events"
                    )
                }
                return receipts
            } catch let failure {
                error = failure
            }
            attempts += 1
            let outcome = self.retries.failed(
                error,
                attempts: attempts,
                elapsed: .now() - start,
                random: .random(in: 0...1)
            )
            guard case .wait(let delay) = outcome else { throw error }
            do {
                try await Task.sleep(for: .nanoseconds(delay.nanoseconds))
            } catch {
                throw .cancelled
            }
        }
    }

    private static func body(_ publications: [Publication]) -> ByteBuffer {
        var body = ByteBuffer()
        body.reserveCapacity(publications.reduce(0) { $0 + $1.json.count + 1 })
        for publication in publications {
            body.writeBytes(publication.json)
            body.writeInteger(UInt8(ascii: "\n"))
        }
        return body
    }

    private func attempt(_ body: ByteBuffer, attempts: Int) async throws(PublishError) -> [Receipt] {
        var request = HTTPClientRequest(url: self.address.url("/events"))
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/x-ndjson")
        request.headers.add(name: "accept", value: "application/json")
        do {
            if let token = try await self.token?() {
                request.headers.add(name: "authorization", value: "Bearer \(token)")
            }
        } catch {
            throw Task.isCancelled ? .cancelled : .noToken(String(describing: error))
        }
        request.body = .bytes(body)
        let status: Int
        let retryAfter: Int?
        let answer: [UInt8]
        do {
            let response = try await self.client.execute(request, timeout: TimeAmount(self.retries.timeout))
            status = Int(clamping: response.status.code)
            retryAfter = response.headers.first(name: "retry-after").flatMap { Int(decimal: $0, in: .seq) }
            answer = Array(try await response.body.collect(upTo: Self.answerBytes).readableBytesView)
        } catch {
            throw Task.isCancelled ? .cancelled : .unreachable(SystemText.describe(error), attempts: attempts)
        }
        guard status == 200 else {
            throw .problem(Problem(status: status, body: answer, retryAfter: retryAfter))
        }
        guard let value = try? JSON.Value.parse(answer), let receipts = Receipt.list(value["results"]) else {
            throw .unexpectedAnswer(status: status, excerpt: String(decoding: answer.prefix(200), as: UTF8.self))
        }
        return receipts
    }
}
