// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// Tells browsers whose pages may read answers (CORS, the Fetch standard §3.2). Publishing from a page is not meant to
/// be: only reading is allowed.
struct CrossOrigin: RouterMiddleware {
    typealias Context = BasicRequestContext

    /// For how long a browser need not ask again, in seconds.
    private static let maxAge = "600"

    let origins: AllowedOrigins

    func handle(
        _ request: Request,
        context: BasicRequestContext,
        next: @concurrent (Request, BasicRequestContext) async throws -> Response
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
