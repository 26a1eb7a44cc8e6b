// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hub
package import Hummingbird
import Pages

/// The admin API for operators and monitoring, on a separate private port.
package struct AdminAPI: Sendable {
    let hub: Hub
    let process: ProcessFigures
    /// Keys that an issuer publishes, if configured.
    let published: PublishedKeys?
    /// Maximum lifetime of any token; nil if unknown.
    let maxTokenAge: Duration?
    /// Accepted names of the port.
    let hosts: AdminHosts
    /// Drains the node over a time; nil uses the configured time.
    let drain: @Sendable (Duration?) -> Void

    package init(
        hub: Hub,
        process: ProcessFigures,
        published: PublishedKeys? = nil,
        maxTokenAge: Duration? = nil,
        hosts: AdminHosts = AdminHosts(),
        drain: @escaping @Sendable (Duration?) -> Void
    ) {
        self.hub = hub
        self.process = process
        self.published = published
        self.maxTokenAge = maxTokenAge
        self.hosts = hosts
        self.drain = drain
    }

    /// Handles requests.
    package var responder: some HTTPResponder<EdgeContext> {
        self.router.buildResponder()
    }

    /// The routes, each as a method and a path.
    package var routes: [String] {
        self.router.routes.map { "\($0.method) \($0.path)" }
    }

    private var router: Router<EdgeContext> {
        let router = Router(context: EdgeContext.self)
        router.add(middleware: BodilessHead())
        router.add(middleware: ErrorResponses())
        router.add(middleware: AdminGuard(hosts: self.hosts))
        router.get("/metrics") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(
                    byteBuffer: ByteBuffer(
                        string: await Exposition(of: self.hub, self.process, published: self.published).text
                    )
                )
            )
        }
        router.get("/dead-letters") { request, _ in try await self.deadLetters(request) }
        router.post("/drain") { request, _ in try await self.beginDraining(request) }
        router.get("/drain") { _, _ in Response(shown: await self.drainStatus()) }
        router.post("/revocations") { request, _ in try await self.revoke(request) }
        router.get("/revocations") { request, _ in try await self.revocations(request) }
        router.delete("/revocations") { request, _ in try await self.liftRevocation(request) }
        router.get("/audit") { request, _ in try await self.auditTrail(request) }
        router.get("/status") { _, _ in await self.status() }
        router.get("/recent-errors") { request, _ in try self.recentErrors(request) }
        router.get("/sessions") { request, _ in try await self.sessions(request) }
        router.get("/sessions/**") { request, _ in try await self.session(request) }
        router.delete("/sessions/**") { request, _ in try await self.disconnect(request) }
        router.get("/channels") { request, _ in try await self.channels(request) }
        router.get("/channels/**") { request, _ in try await self.events(request) }
        PageAnswer(part: .operators).add(to: router)
        router.get("/health/live") { _, _ in API.health(isUp: true) }
        router.get("/health/ready") { _, _ in API.readiness(of: self.hub, detailed: true) }
        return router
    }
}
