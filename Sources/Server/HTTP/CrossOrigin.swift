// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// CORS (Fetch standard §3.2): which origins may read responses. Pages may only read, not publish.
struct CrossOrigin: RouterMiddleware {
    typealias Context = EdgeContext

    /// How long browsers cache a preflight response, in seconds.
    private static let maxAge = "600"

    let origins: AllowedOrigins

    func handle(
        _ request: Request,
        context: EdgeContext,
        next: @concurrent (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        guard let origin = request.headers[.origin] else { return try await next(request, context) }
        let isAllowed = self.origins.allow(origin)
        var response: Response
        if request.method == .options, request.headers[.accessControlRequestMethod] != nil {
            response = Response(status: isAllowed ? .noContent : .forbidden)
            if isAllowed {
                response.headers[.accessControlAllowMethods] = "GET, HEAD"
                response.headers[.accessControlAllowHeaders] = "Authorization, If-None-Match, Last-Event-ID"
                response.headers[.accessControlMaxAge] = Self.maxAge
            }
        } else {
            response = try await next(request, context)
        }
        if isAllowed {
            response.headers[.accessControlAllowOrigin] = self.origins == .any ? "*" : origin
            response.headers[.accessControlExposeHeaders] = "ETag"
        }
        if self.origins != .any { response.headers[values: .vary].append("Origin") }
        return response
    }
}
