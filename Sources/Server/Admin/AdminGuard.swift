// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import HummingbirdCore
import NIOCore

/// Prevents foreign web pages in an operator's browser from using the admin port (CSRF protection).
///
/// - Requests of a browser must come from the port's own page, according to `Origin` and `Sec-Fetch-Site`. Requests
///   that change something also need a custom header field (``field``). A form cannot send it, and a script of another
///   origin needs a CORS preflight, which is never answered. A body must be JSON.
/// - `Host` must be one of ``AdminHosts``.
///
/// Programs send none of these header fields and need none. Probes and monitoring accept any host name.
struct AdminGuard: RouterMiddleware {
    typealias Context = EdgeContext

    /// Custom header field of the page's requests that change something.
    static let field = HTTPField.Name(known: "Broadtape-Operator")
    private static let fetchSite = HTTPField.Name(known: "Sec-Fetch-Site")
    private static let fetchMode = HTTPField.Name(known: "Sec-Fetch-Mode")

    let hosts: AdminHosts

    func handle(
        _ request: Request,
        context: EdgeContext,
        next: @concurrent (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        try self.check(request, at: context.connection.channel.localAddress)
        return try await next(request, context)
    }

    private func check(_ request: Request, at local: SocketAddress?) throws(Problem) {
        let path = request.uri.path
        let isReading = request.method == .get || request.method == .head
        if isReading, path == "/metrics" || path.hasPrefix("/health/") { return }
        let authority = request.head.authority ?? ""
        guard self.hosts.allow(authority, at: local) else {
            throw Self.forbidden(
                "\(authority.prefix(100)) is not a name of the admin port; use its address or localhost, "
                    + "or add the name to admin-names if it is yours"
            )
        }
        let origin = request.headers[.origin]
        let site = request.headers[Self.fetchSite]
        guard origin != nil || site != nil else { return }
        if let origin, origin != "http://\(authority)", origin != "https://\(authority)" {
            throw Self.forbidden("a page of another origin may not use the admin port")
        }
        // Following a link is allowed.
        let isVisit = isReading && request.headers[Self.fetchMode] == "navigate" && path == "/"
        if let site, site != "same-origin", site != "none", !isVisit {
            throw Self.forbidden("a page of another site may not use the admin port")
        }
        guard !isReading else { return }
        guard request.headers[Self.field] != nil else {
            throw Self.forbidden("a browser needs the header field \(Self.field.rawName) for changes")
        }
        let hasBody = request.headers[.contentLength].map { $0 != "0" } ?? false
        if hasBody, request.headers[.contentType]?.hasPrefix("application/json") != true {
            throw Problem(.unsupportedMediaType, code: "unsupported_media_type", "the body is application/json")
        }
    }

    private static func forbidden(_ message: String) -> Problem {
        Problem(.forbidden, code: ErrorCode.forbidden.rawValue, message)
    }
}
