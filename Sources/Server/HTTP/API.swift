// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hub
package import Hummingbird
import JSON
import Pages

/// The HTTP API: publishing, reading, health.
package struct API: Sendable {
    let hub: Hub
    let bodyBytes: Int
    let services: ServiceAccounts
    let origins: AllowedOrigins
    let servesPage: Bool

    /// - Parameters:
    ///   - bodyBytes: Maximum size of a request body.
    ///   - services: Services that may sign requests.
    ///   - origins: Origins whose pages may read.
    ///   - servesPage: Whether to serve the live page at `/`.
    package init(
        hub: Hub,
        bodyBytes: Int,
        services: ServiceAccounts = ServiceAccounts(),
        origins: AllowedOrigins = .any,
        servesPage: Bool = true
    ) {
        self.hub = hub
        self.bodyBytes = bodyBytes
        self.services = services
        self.origins = origins
        self.servesPage = servesPage
    }

    /// Handles requests.
    package var responder: some HTTPResponder<BasicRequestContext> {
        self.router.buildResponder()
    }

    /// The routes, each as a method and a path.
    package var routes: [String] {
        self.router.routes.map { "\($0.method) \($0.path)" }
    }

    private var router: Router<BasicRequestContext> {
        let router = Router(options: .autoGenerateHeadEndpoints)
        router.add(middleware: BodilessHead())
        router.add(middleware: RequestLog())
        router.add(middleware: CrossOrigin(origins: self.origins))
        router.post("/events") { request, _ in
            await self.answer { () async throws(Problem) in try await self.publish(request) }
        }
        router.get("/channels") { request, _ in
            await self.answer { () async throws(Problem) in try await self.channels(request) }
        }
        router.get("/channels/**") { request, _ in
            await self.answer { () async throws(Problem) in try await self.channel(request) }
        }
        router.get("/wallets") { request, _ in
            await self.answer { () async throws(Problem) in try await self.wallets(request) }
        }
        router.get("/wallets/**") { request, _ in
            await self.answer { () async throws(Problem) in try await self.wallet(request) }
        }
        router.get("/transactions") { request, _ in
            await self.answer { () async throws(Problem) in try await self.transactions(request) }
        }
        router.get("/rate") { request, _ in
            await self.answer { () async throws(Problem) in try await self.rate(request) }
        }
        router.get("/stream") { request, _ in
            await self.answer { () async throws(Problem) in try await self.stream(request) }
        }
        router.get("/health/live") { _, _ in Self.health(isUp: true) }
        router.get("/health/ready") { _, _ in Self.readiness(of: self.hub) }
        router.get("/ws") { _, _ in
            var response = Problem(
                .upgradeRequired,
                code: "upgrade_required",
                "this is a WebSocket endpoint; request an upgrade (RFC 6455)"
            ).response
            response.headers[.upgrade] = "websocket"
            return response
        }
        Self.addScripts(to: router)
        if self.servesPage { PageAnswer(part: .live).add(to: router) }
        router.add(middleware: UnknownPaths())
        return router
    }

    private func answer(_ work: () async throws(Problem) -> Response) async -> Response {
        do {
            return try await work()
        } catch {
            return error.response
        }
    }

    static func health(isUp: Bool, reason: String? = nil, detail: String = "") -> Response {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("status", string: isUp ? "pass" : "fail")
        if let reason { writer.member("reason", string: reason) }
        if !detail.isEmpty { writer.member("detail", string: detail) }
        writer.endObject()
        return Response(json: writer, status: isUp ? .ok : .serviceUnavailable)
    }

    /// - Parameter detailed: Whether to include the full reason, which names files and servers: for operators only.
    static func readiness(of hub: Hub, detailed: Bool = false) -> Response {
        let reason = hub.unreadiness
        return self.health(isUp: reason == nil, reason: reason?.rawValue, detail: detailed ? hub.trouble : "")
    }

    /// Authenticates a request; nil without a token.
    func principal(of request: Request) async throws(Problem) -> Principal? {
        let token: String
        if let field = request.headers[.authorization] {
            guard let bearer = BearerToken(field) else {
                throw Problem(.unauthorized, code: ErrorCode.badToken.rawValue, "the scheme of Authorization is Bearer")
            }
            token = bearer.token
        } else if let key = request.headers[.apiKey] {
            guard key.hasPrefix(APIKey.prefix) else {
                throw Problem(
                    .unauthorized,
                    code: ErrorCode.badToken.rawValue,
                    "X-API-Key must be an API key, which begins with \(APIKey.prefix); send tokens in Authorization"
                )
            }
            token = key
        } else {
            return nil
        }
        do throws(TokenFault) {
            return try await self.hub.principal(of: token)
        } catch {
            throw Problem(error)
        }
    }
}

/// Removes the body of every response to `HEAD` (RFC 9110 §9.3.2), which clients would read as the next response of the
/// connection.
struct BodilessHead: RouterMiddleware {
    typealias Context = BasicRequestContext

    func handle(
        _ request: Request,
        context: BasicRequestContext,
        next: @concurrent (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        let response = try await next(request, context)
        return request.method == .head ? response.createHeadResponse() : response
    }
}

/// Converts the router's own errors to problem details.
struct UnknownPaths: RouterMiddleware {
    typealias Context = BasicRequestContext

    func handle(
        _ request: Request,
        context: BasicRequestContext,
        next: @concurrent (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError {
            let code = error.status == .notFound ? "not_found" : "bad_request"
            return Problem(error.status, code: code, "\(request.method) \(request.uri.path): \(error.status)").response
        }
    }
}

extension HTTPField.Name {
    static let apiKey = Self(unchecked: "X-API-Key")
    static let requestID = Self(unchecked: "X-Request-Id")
    static let signature = Self(unchecked: "Broadtape-Signature")

    /// - Parameter name: A valid token (RFC 9110 §5.6.2), known at compile time.
    private init(unchecked name: StaticString) {
        self = Self(name.description) ?? .authorization
    }
}
