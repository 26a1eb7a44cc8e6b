// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging

/// Assigns every request an ID, which is in its response and its log line: that of the client or a proxy, or a new one.
/// Neither payloads nor tokens are logged.
struct RequestLog: RouterMiddleware {
    typealias Context = EdgeContext

    /// Maximum length of an accepted ID, in bytes.
    private static let longest = 64

    func handle(
        _ request: Request,
        context: EdgeContext,
        next: @concurrent (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        let id = request.headers[.requestID].flatMap { Self.isFit($0) ? $0 : nil } ?? Self.newID()
        let start = ContinuousClock.now
        var response = try await next(request, context)
        response.headers[.requestID] = id
        // The component that detects an outage logs it, not every failing request.
        let isOurFault = response.status.code == 500
        context.logger.log(
            level: isOurFault ? .error : .debug,
            "request",
            metadata: [
                "request": "\(id)", "method": "\(request.method)", "path": "\(request.uri.path)",
                "status": "\(response.status.code)",
                "milliseconds": "\((ContinuousClock.now - start) / .milliseconds(1))",
            ]
        )
        return response
    }

    private static func isFit(_ id: String) -> Bool {
        (1...Self.longest).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default:
                    false
                }
            }
    }

    private static func newID() -> String {
        "r-" + String(UInt64.random(in: .min ... .max), radix: 36)
    }
}
