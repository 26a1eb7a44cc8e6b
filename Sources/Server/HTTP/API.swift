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
    package var responder: some HTTPResponder<EdgeContext> {
        self.router.buildResponder()
    }

    /// The routes, each as a method and a path.
    package var routes: [String] {
        self.router.routes.map { "\($0.method) \($0.path)" }
    }

    private var router: Router<EdgeContext> {
        let router = Router(context: EdgeContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: BodilessHead())
        router.add(middleware: RequestLog())
        router.add(middleware: CrossOrigin(origins: self.origins))
        router.add(middleware: ErrorResponses())
        self.addOpenRoutes(to: router)
        router.add(middleware: CredentialRequired())
        router.post("/events") { request, context in
            try await self.publish(request, from: context.connection.peer)
        }
        return router
    }

    /// The routes that need no credential. Who may read a channel depends on its type, and `Hub.readableType` decides.
    private func addOpenRoutes(to router: Router<EdgeContext>) {
        router.get("/channels") { request, _ in try await self.channels(request) }
        router.get("/channels/**") { request, _ in try await self.channel(request) }
        router.get("/wallets") { request, _ in try await self.wallets(request) }
        router.get("/wallets/**") { request, _ in try await self.wallet(request) }
        router.get("/transactions") { request, _ in try await self.transactions(request) }
        router.get("/rate") { request, _ in try await self.rate(request) }
        router.get("/stream") { request, context in try await self.stream(request, on: context.connection) }
        router.get("/health/live") { _, _ in Self.health(isUp: true) }
        router.get("/health/ready") { _, _ in Self.readiness(of: self.hub) }
        router.get("/ws") { _, _ -> Response in
            throw Problem(
                .upgradeRequired,
                code: "upgrade_required",
                "this is a WebSocket endpoint; request an upgrade (RFC 6455)"
            )
        }
        Self.addScripts(to: router)
        if self.servesPage { PageAnswer(part: .live).add(to: router) }
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
    typealias Context = EdgeContext

    func handle(
        _ request: Request,
        context: EdgeContext,
        next: @concurrent (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        let response = try await next(request, context)
        return request.method == .head ? response.createHeadResponse() : response
    }
}

/// Converts errors to responses, for the middlewares before it.
struct ErrorResponses: RouterMiddleware {
    typealias Context = EdgeContext

    func handle(
        _ request: Request,
        context: EdgeContext,
        next: @concurrent (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        let problem: Problem
        do {
            return try await next(request, context)
        } catch let error as Problem {
            problem = error
        } catch let error as HTTPError {
            // Of the router.
            let code = error.status == .notFound ? "not_found" : "bad_request"
            problem = Problem(error.status, code: code, "\(request.method) \(request.uri.path): \(error.status)")
        }
        return problem.response(from: request, context: context)
    }
}

/// Refuses requests without any credential. Routes added before it are open; the others validate the credential.
struct CredentialRequired: RouterMiddleware {
    typealias Context = EdgeContext

    private static let fields: [HTTPField.Name] = [.authorization, .apiKey, .signature]

    func handle(
        _ request: Request,
        context: EdgeContext,
        next: @concurrent (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        // Without an endpoint the path is unknown, and there is nothing to protect.
        guard context.endpointPath == nil || Self.fields.contains(where: { request.headers[$0] != nil }) else {
            throw Problem(
                .unauthorized,
                code: ErrorCode.notAuthenticated.rawValue,
                "this needs a token, an API key, or a signature"
            )
        }
        return try await next(request, context)
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
