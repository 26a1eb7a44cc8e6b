// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import HTTPTypes
import Hub
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Server
import TestSupport
import Testing

/// Keys fetched from a server of this test, over HTTP.
@Suite(.timeLimit(.minutes(1)))
struct PublishedKeysHTTPTests {
    private struct Page: Sendable {
        var status: HTTPResponse.Status = .ok
        var body: [UInt8] = []
        var cacheControl: String?
        var location: String?
    }

    /// Runs a server, and a client's way to what it publishes.
    private func withServer(
        _ body: (Watched<Page>, _ fetch: @escaping PublishedKeys.Fetch) async throws -> Void
    ) async throws {
        let page = Watched(Page())
        let port = Watched<Int?>(nil)
        let router = Router()
        router.get("/keys") { _, _ in
            let page = page.value
            var headers: HTTPFields = [.contentType: "application/json"]
            if let cacheControl = page.cacheControl { headers[.cacheControl] = cacheControl }
            if let location = page.location { headers[.location] = location }
            return Response(
                status: page.status,
                headers: headers,
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: page.body))
            )
        }
        let application = Application(
            responder: router.buildResponder(),
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in port.change { $0 = channel.localAddress?.port } },
            logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
        )
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        let client = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            let result: Result<Void, any Error>
            do {
                try await port.wait(for: "the port") { $0 != nil }
                try await body(page, PublishedKeys.overHTTP("http://127.0.0.1:\(port.value ?? 0)/keys", client))
                result = .success(())
            } catch {
                result = .failure(error)
            }
            try await client.shutdown()
            group.cancelAll()
            try? await group.waitForAll()
            try result.get()
        }
    }

    @Test func keysRotateWithoutARestart() async throws {
        let (old, new) = try await (Issuer(.rsa, id: "1"), Issuer(.ecdsa, id: "2"))
        try await self.withServer { page, fetch in
            page.change { $0.body = Issuer.set(old) }
            var limits = PublishedKeys.Limits()
            limits.leastInterval = .zero
            let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
            let published = PublishedKeys(limits: limits, logger: logger, fetch: fetch)
            let keys = TokenKeys(secret: nil, published: published)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await published.run() }
                try await eventually("there are keys") { published.isUsable }
                let first = try await keys.subject(old.token("u_1"))
                #expect(first == "u_1")
                page.change { $0.body = Issuer.set(new) }
                #expect(try await keys.subject(new.token("u_2")) == "u_2")
                await #expect(throws: TokenFault.self) { try await keys.subject(old.token()) }
                // The server is in trouble: what is there serves.
                page.change { $0.status = .internalServerError }
                await #expect(throws: TokenFault.self) { try await keys.subject(new.token(id: "3")) }
                #expect(try await keys.subject(new.token("u_2")) == "u_2")
                group.cancelAll()
            }
        }
    }

    @Test(
        arguments: [
            (nil, nil), ("max-age=300", 300), ("public, max-age=\"60\", must-revalidate", 60), ("no-store", 0),
            ("no-cache, max-age=9", 0), ("max-age=-5", nil), ("max-age=99999999999999999999", nil), ("MAX-AGE = 7", 7),
        ] as [(String?, Int?)]
    )
    func theSetSaysHowLongItIsFresh(_ cacheControl: String?, _ seconds: Int?) async throws {
        try await self.withServer { page, fetch in
            page.change { $0.cacheControl = cacheControl }
            let response = try await fetch()
            #expect(response.maxAge == seconds.map { .seconds($0) })
        }
    }

    @Test func whatIsNoSetIsAFault() async throws {
        try await self.withServer { page, fetch in
            _ = try await fetch()
            page.change { $0.body = Array(repeating: 0x20, count: 600_000) }
            await #expect(throws: (any Error).self) { try await fetch() }
            page.change { $0 = Page(status: .found, location: "/elsewhere") }
            await #expect(throws: (any Error).self) { try await fetch() }
            page.change { $0 = Page(status: .notFound) }
            await #expect(throws: (any Error).self) { try await fetch() }
        }
    }
}
