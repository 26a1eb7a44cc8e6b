// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import WebSocket

/// Why the bytes of a connection are not acceptable requests.
enum RequestFault: Error, Equatable {
    /// Not the head of any HTTP/1.1 message, or too large.
    case head(HeadFault)
    case malformedRequestLine
    /// Neither HTTP/1.0 nor HTTP/1.1.
    case version
    /// `CONNECT` and `TRACE`, which are for proxies.
    case method
    /// No `Host`, several, or one that differs from the target.
    case host
    /// A `Content-Length` that is not one number.
    case contentLength
    /// Both `Content-Length` and `Transfer-Encoding`, which makes the end of the body ambiguous.
    case twoLengths
    /// A `Transfer-Encoding` other than chunked.
    case transferEncoding
    /// An `Expect` other than 100-continue.
    case expectation
    /// A chunk with an invalid size, or with a length other than its size.
    case chunk
    /// Trailer fields.
    case trailer
    /// The head took longer than this many seconds.
    case slowHead(seconds: Int)
    /// The body took too long or arrived too slowly.
    case slowBody
    case turnedAway(Admission.ConnectionRejection)

    var status: HTTPResponse.Status {
        switch self {
        case .head(.tooLarge), .head(.tooManyFields): .requestHeaderFieldsTooLarge
        case .head, .malformedRequestLine, .host, .contentLength, .twoLengths, .chunk, .trailer: .badRequest
        case .version: HTTPResponse.Status(code: 505, reasonPhrase: "HTTP Version Not Supported")
        case .method, .transferEncoding: .notImplemented
        case .expectation: .expectationFailed
        case .slowHead, .slowBody: .requestTimeout
        case .turnedAway(let turndown): turndown.status
        }
    }

    /// Whether it is a fault in a body, whose request is in progress.
    var isInBody: Bool {
        switch self {
        case .chunk, .trailer, .slowBody: true
        case .head, .malformedRequestLine, .version, .method, .host, .contentLength, .twoLengths, .transferEncoding,
            .expectation, .slowHead, .turnedAway:
            false
        }
    }

    /// The error code of the response.
    var code: String {
        switch self {
        case .head(.tooLarge), .head(.tooManyFields): "head_too_large"
        case .slowHead, .slowBody: "timeout"
        case .turnedAway(.blockedCountry): "forbidden"
        case .turnedAway(.tooManyConnections): "too_many_connections"
        case .turnedAway(.outOfMemory), .turnedAway(.full), .turnedAway(.outOfDescriptors), .turnedAway(.surge):
            "overloaded"
        case .turnedAway(.draining): "draining"
        case .head, .malformedRequestLine, .version, .method, .host, .contentLength, .twoLengths, .transferEncoding,
            .expectation, .chunk, .trailer:
            "bad_request"
        }
    }
}

extension RequestFault: CustomStringConvertible {
    /// One sentence for the client, without any input from it.
    var description: String {
        switch self {
        case .head(let fault): fault.description
        case .malformedRequestLine: "the first line is not a method, a target and a version"
        case .version: "only HTTP/1.0 and HTTP/1.1 are supported"
        case .method: "this is not a proxy"
        case .host: "a request must have exactly one Host"
        case .contentLength: "Content-Length must be one number, given once"
        case .twoLengths: "a request must not have both Content-Length and Transfer-Encoding"
        case .transferEncoding: "the only supported transfer encoding is chunked, and only in HTTP/1.1"
        case .expectation: "the only supported expectation is 100-continue"
        case .chunk: "a chunk of the body has an invalid or wrong size"
        case .trailer: "trailer fields are not supported"
        case .slowHead(let seconds): "the head of a request must arrive within \(seconds) seconds"
        case .slowBody: "the body arrived too slowly"
        case .turnedAway(let turndown): turndown.reason
        }
    }

    var problem: Problem {
        var problem = Problem(self.status, code: self.code, self.description)
        if case .turnedAway(let turndown) = self { problem.retryAfter = turndown.retryAfter }
        return problem
    }

    /// The complete response, after which the connection closes.
    var response: ByteBuffer { self.problem.lastResponse }
}
