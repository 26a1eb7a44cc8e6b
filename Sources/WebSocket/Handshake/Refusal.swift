// SPDX-License-Identifier: Apache-2.0

/// Why a server does not accept an opening handshake.
package enum Refusal: Error, Hashable {
    /// Not the head of an HTTP/1.1 request.
    case head(HeadFault)
    /// Not `method target HTTP/digit.digit`.
    case malformedRequestLine
    /// An HTTP version other than 1.1 (RFC 6455 §4.1 item 2).
    case httpVersion
    /// A method other than GET (RFC 6455 §4.1 item 2).
    case method
    /// A target that is neither a path nor an `http` URI (RFC 6455 §3).
    case malformedTarget
    /// A request without a field it needs.
    case missing(field: String)
    /// A field that must occur once occurs more often.
    case repeated(field: String)
    /// A field whose value breaks its grammar.
    case malformed(field: String)
    /// A version of the WebSocket protocol other than 13 (RFC 6455 §4.4).
    case protocolVersion
    /// A request with a body.
    case body
    /// An ordinary request for something only WebSocket serves.
    case upgradeRequired
    /// The application says no: its HTTP status and a line for the client.
    case application(status: Int, reason: String)

    /// The HTTP status of the response.
    package var status: Int {
        switch self {
        case .head(.tooLarge), .head(.tooManyFields): 431
        case .head, .malformedRequestLine, .malformedTarget, .missing, .repeated, .malformed, .body: 400
        case .httpVersion: 505
        case .method: 405
        case .protocolVersion, .upgradeRequired: 426
        case .application(let status, _): status
        }
    }

    /// Fields the response must have because of its status (RFC 9110 §15.5.6, §15.5.22; RFC 6455 §4.4).
    package var fields: [(name: String, value: String)] {
        switch self {
        case .method:
            [("Allow", "GET")]
        case .protocolVersion, .upgradeRequired:
            [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13")]
        case .head, .malformedRequestLine, .httpVersion, .malformedTarget, .missing, .repeated, .malformed, .body,
            .application:
            []
        }
    }
}

extension Refusal: CustomStringConvertible {
    /// One line for the client and for logs.
    ///
    /// Contains nothing the client sent.
    package var description: String {
        switch self {
        case .head(let fault): fault.description
        case .malformedRequestLine: "malformed request line"
        case .httpVersion: "the opening handshake needs HTTP/1.1"
        case .method: "the opening handshake needs GET"
        case .malformedTarget: "malformed request target"
        case .missing(let field): "missing \(field)"
        case .repeated(let field): "repeated \(field)"
        case .malformed(let field): "malformed \(field)"
        case .protocolVersion: "this server speaks version 13 of the WebSocket protocol"
        case .body: "the opening handshake has no body"
        case .upgradeRequired: "this resource is served over WebSocket only"
        case .application(_, let reason): reason
        }
    }
}
