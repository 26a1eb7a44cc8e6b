// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import HummingbirdCore
import NIOCore

/// Keeps the pages of strangers in an operator's browser from using the admin port.
///
/// - Whatever a browser sends comes from the port's own page: `Origin` and `Sec-Fetch-Site` say so, and what changes
///   something has a field of its own besides (``field``), which no form can send and for which a script elsewhere
///   would have to ask first (CORS), to which nobody answers. A body is JSON.
/// - The request names the port as ``AdminHosts`` allow.
///
/// Programs send none of the browsers' fields, and are asked for nothing. Probes and monitoring are open to any name.
struct AdminGuard: RouterMiddleware {
    typealias Context = BasicRequestContext

    /// What the page says when it changes something.
    static let field = HTTPField.Name(known: "Broadtape-Operator")
    private static let fetchSite = HTTPField.Name(known: "Sec-Fetch-Site")
    private static let fetchMode = HTTPField.Name(known: "Sec-Fetch-Mode")

    let hosts: AdminHosts

    func handle(
        _ request: Request,
        context: BasicRequestContext,
        next: @concurrent (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        if let problem = self.problem(with: request) { return problem.response }
        return try await next(request, context)
    }

    private func problem(with request: Request) -> Problem? {
        let path = request.uri.path
        let isReading = request.method == .get || request.method == .head
        if isReading, path == "/metrics" || path.hasPrefix("/health/") { return nil }
        let authority = request.head.authority ?? ""
        let local = RequestConnection.current?.channel.localAddress
        guard self.hosts.allow(authority, at: local) else {
            return Self.forbidden(
                "the admin port is addressed by its address or as localhost, not as \(authority.prefix(100)); "
                    + "add the name to admin-names if it is yours"
            )
        }
        let origin = request.headers[.origin]
        let site = request.headers[Self.fetchSite]
        guard origin != nil || site != nil else { return nil }
        if let origin, origin != "http://\(authority)", origin != "https://\(authority)" {
            return Self.forbidden("a page of another origin may not use the admin port")
        }
        // A link may lead here.
        let isVisit = isReading && request.headers[Self.fetchMode] == "navigate" && path == "/"
        if let site, site != "same-origin", site != "none", !isVisit {
            return Self.forbidden("a page of another site may not use the admin port")
        }
        guard !isReading else { return nil }
        guard request.headers[Self.field] != nil else {
            return Self.forbidden("what a browser changes needs the field \(Self.field.rawName), as the page sends it")
        }
        let hasBody = request.headers[.contentLength].map { $0 != "0" } ?? false
        if hasBody, request.headers[.contentType]?.hasPrefix("application/json") != true {
            return Problem(.unsupportedMediaType, code: "unsupported_media_type", "the body is application/json")
        }
        return nil
    }

    private static func forbidden(_ message: String) -> Problem {
        Problem(.forbidden, code: ErrorCode.forbidden.rawValue, message)
    }
}
