// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hub
package import Hummingbird

/// What operators and their monitoring read, on a port of its own that is not for the public.
package struct AdminAPI: Sendable {
    let hub: Hub
    /// Keys that an issuer publishes; nil without.
    let published: PublishedKeys?
    /// How long any token is good for at most; nil where nobody knows.
    let maxTokenAge: Duration?
    /// Makes the node leave over a time; nil is what its configuration says.
    let drain: @Sendable (Duration?) -> Void

    package init(
        hub: Hub,
        published: PublishedKeys? = nil,
        maxTokenAge: Duration? = nil,
        drain: @escaping @Sendable (Duration?) -> Void
    ) {
        self.hub = hub
        self.published = published
        self.maxTokenAge = maxTokenAge
        self.drain = drain
    }

    /// Answers requests.
    package var responder: some HTTPResponder<BasicRequestContext> {
        self.router.buildResponder()
    }

    /// What is answered, each as a method and a path.
    package var routes: [String] {
        self.router.routes.map { "\($0.method) \($0.path)" }
    }

    private var router: Router<BasicRequestContext> {
        let router = Router()
        router.get("/metrics") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(
                    byteBuffer: ByteBuffer(string: await Exposition(of: self.hub, published: self.published).text)
                )
            )
        }
        router.get("/dead-letters") { request, _ in await self.deadLetters(request) }
        router.post("/drain") { request, _ in await self.beginDraining(request) }
        router.get("/drain") { _, _ in Response(json: await self.drainStatus()) }
        router.post("/revocations") { request, _ in
            await self.answer { () async throws(Problem) in try await self.revoke(request) }
        }
        router.get("/revocations") { request, _ in
            await self.answer { () async throws(Problem) in try await self.revocations(request) }
        }
        router.delete("/revocations") { request, _ in
            await self.answer { () async throws(Problem) in try await self.liftRevocation(request) }
        }
        router.get("/audit") { request, _ in
            await self.answer { () async throws(Problem) in try await self.auditTrail(request) }
        }
        router.get("/health/live") { _, _ in API.health(isUp: true) }
        router.get("/health/ready") { _, _ in API.health(isUp: self.hub.isReady) }
        return router
    }

    private func answer(_ work: () async throws(Problem) -> Response) async -> Response {
        do {
            return try await work()
        } catch {
            return error.response
        }
    }
}
