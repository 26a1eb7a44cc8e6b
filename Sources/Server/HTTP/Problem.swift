// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import JSON
import NIOCore
import SafeText

/// An error response: `application/problem+json` (RFC 9457).
struct Problem: HTTPResponseError {
    let status: HTTPResponse.Status
    let code: String
    let detail: String
    var items: [ItemFault] = []
    var retryAfter: Int?

    /// `Retry-After` for publishers, in seconds.
    private static let retryAfter = 1

    init(_ status: HTTPResponse.Status, code: String, _ detail: String) {
        self.status = status
        self.code = code
        self.detail = detail
    }

    init(_ fault: PublishFault) {
        let (code, message) = fault.summary
        self.init(MessageFault(code, message))
        self.items = fault.items
        if let wait = fault.retryAfter { self.retryAfter = max(1, wait / 1_000 + (wait % 1_000 == 0 ? 0 : 1)) }
    }

    init(_ fault: MessageFault) {
        self.init(Self.status(of: fault.code), code: fault.code.rawValue, fault.message)
        if self.status == .serviceUnavailable { self.retryAfter = Self.retryAfter }
    }

    init(_ fault: TokenFault) {
        let (code, message) = fault.summary
        self.init(MessageFault(code, message))
    }

    private static func status(of code: ErrorCode) -> HTTPResponse.Status {
        switch code {
        case .badRequest, .unknownOp: .badRequest
        case .notAuthenticated, .badToken, .tokenExpired, .revoked: .unauthorized
        case .forbidden: .forbidden
        case .unknownType: .notFound
        case .conflict, .alreadySubscribed, .notSubscribed, .epochChanged: .conflict
        case .cursorExpired: .gone
        case .tooLarge: .contentTooLarge
        case .invalidEvent: .unprocessableContent
        case .tooManySubscriptions, .tooManyConnections, .rateLimited: .tooManyRequests
        case .unavailable, .overloaded: .serviceUnavailable
        }
    }

    /// The body.
    var json: [UInt8] {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("type", string: "urn:broadtape:error:\(self.code)")
        writer.member("title", string: self.status.reasonPhrase)
        writer.member("status", integer: self.status.code)
        writer.member("code", string: self.code)
        writer.member("detail", string: self.detail)
        if !self.items.isEmpty { writer.items(self.items) }
        writer.endObject()
        // It may contain untrusted input.
        return Array((Escape.text(String(decoding: writer.bytes, as: UTF8.self)) + "\n").utf8)
    }

    var fields: HTTPFields {
        var fields: HTTPFields = [.contentType: "application/problem+json", .cacheControl: "no-store"]
        if let retryAfter { fields[.retryAfter] = String(retryAfter) }
        if self.status == .unauthorized { fields[.wwwAuthenticate] = "Bearer" }
        if self.status == .upgradeRequired { fields[.upgrade] = "websocket" }
        return fields
    }

    func response(from request: Request, context: some RequestContext) -> Response {
        Response(
            status: self.status,
            headers: self.fields,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: self.json))
        )
    }

    /// The response as an HTTP/1.1 message that closes the connection, for errors before there is a request for the
    /// API.
    var lastResponse: ByteBuffer {
        let json = self.json
        var fields = self.fields
        fields[.connection] = "close"
        fields[.contentLength] = String(json.count)
        var text = "HTTP/1.1 \(self.status.code) \(self.status.reasonPhrase)\r\n"
        for field in fields { text += "\(field.name): \(field.value)\r\n" }
        var bytes = ByteBuffer(string: text + "\r\n")
        bytes.writeBytes(json)
        return bytes
    }
}

extension Response {
    /// A JSON response for operators, who read it in a terminal: untrusted text in it is escaped. Parsers get the same
    /// values.
    init(shown writer: JSON.Writer, status: HTTPResponse.Status = .ok) {
        self.init(
            status: status,
            headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(
                byteBuffer: ByteBuffer(string: Escape.text(String(decoding: writer.bytes, as: UTF8.self)) + "\n")
            )
        )
    }

    /// A JSON response, with a trailing line feed for terminals.
    init(json writer: JSON.Writer, status: HTTPResponse.Status = .ok) {
        self.init(
            status: status,
            headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: writer.bytes + [0x0A]))
        )
    }
}
