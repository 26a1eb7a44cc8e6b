// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import WebSocket

/// Why the bytes of a connection are not, or no longer, requests that are answered.
enum RequestFault: Error, Equatable {
    /// The head has more bytes than this.
    case headTooLarge(limit: Int)
    /// More header lines than this.
    case tooManyFields(limit: Int)
    /// A CR without LF or an LF without CR.
    case bareLineBreak
    /// A byte that no head may have.
    case controlCharacter(UInt8)
    /// A line that continues the one before it.
    case foldedField
    /// A header line without a colon or with a name that is not a token.
    case malformedField(number: Int)
    case malformedRequestLine
    /// Neither HTTP/1.0 nor HTTP/1.1.
    case version
    /// `CONNECT` and `TRACE`, which are for proxies.
    case method
    /// No `Host`, several, or another one than the target names.
    case host
    /// A `Content-Length` that is not one number.
    case contentLength
    /// `Content-Length` and `Transfer-Encoding`: two answers to where the body ends.
    case twoLengths
    /// A `Transfer-Encoding` other than chunked.
    case transferEncoding
    /// An `Expect` other than 100-continue.
    case expectation
    /// A chunk whose size cannot be read, or that is longer or shorter than it says.
    case chunk
    /// Header lines behind the body.
    case trailer
    /// The head took longer than this many seconds.
    case slowHead(seconds: Int)
    /// The body took too long, or came too slowly.
    case slowBody
    case turnedAway(Admission.Turndown)

    var status: HTTPResponse.Status {
        switch self {
        case .headTooLarge, .tooManyFields: .requestHeaderFieldsTooLarge
        case .bareLineBreak, .controlCharacter, .foldedField, .malformedField, .malformedRequestLine, .host,
            .contentLength, .twoLengths, .chunk, .trailer:
            .badRequest
        case .version: HTTPResponse.Status(code: 505, reasonPhrase: "HTTP Version Not Supported")
        case .method, .transferEncoding: .notImplemented
        case .expectation: .expectationFailed
        case .slowHead, .slowBody: .requestTimeout
        case .turnedAway(let turndown): turndown.status
        }
    }

    /// Whether it is the fault of a body, whose request is under way.
    var isInBody: Bool {
        switch self {
        case .chunk, .trailer, .slowBody: true
        case .headTooLarge, .tooManyFields, .bareLineBreak, .controlCharacter, .foldedField, .malformedField,
            .malformedRequestLine, .version, .method, .host, .contentLength, .twoLengths, .transferEncoding,
            .expectation, .slowHead, .turnedAway:
            false
        }
    }

    /// What an answer is marked with, in one word.
    var code: String {
        switch self {
        case .headTooLarge, .tooManyFields: "head_too_large"
        case .slowHead, .slowBody: "timeout"
        case .turnedAway(.blockedCountry): "forbidden"
        case .turnedAway(.tooManyConnections): "too_many_connections"
        case .turnedAway(.outOfMemory), .turnedAway(.full), .turnedAway(.outOfDescriptors), .turnedAway(.storm):
            "overloaded"
        case .turnedAway(.draining): "draining"
        case .bareLineBreak, .controlCharacter, .foldedField, .malformedField, .malformedRequestLine, .version, .method,
            .host, .contentLength, .twoLengths, .transferEncoding, .expectation, .chunk, .trailer:
            "bad_request"
        }
    }
}

extension RequestFault: CustomStringConvertible {
    /// One sentence for the client. Contains nothing it sent.
    var description: String {
        switch self {
        case .headTooLarge(let limit): "the head of a request has at most \(limit) bytes"
        case .tooManyFields(let limit): "a request has at most \(limit) header lines"
        case .bareLineBreak: "a line of the head does not end with CR LF"
        case .controlCharacter(let byte): "the head has a control character, 0x\(String(byte, radix: 16))"
        case .foldedField: "a header line is folded"
        case .malformedField(let number): "header line \(number) is malformed"
        case .malformedRequestLine: "the first line is not a method, a target and a version"
        case .version: "only HTTP/1.0 and HTTP/1.1 are spoken here"
        case .method: "this is no proxy"
        case .host: "a request names one Host"
        case .contentLength: "Content-Length is one number, given once"
        case .twoLengths: "a request has Content-Length or Transfer-Encoding, not both"
        case .transferEncoding: "of transfer encodings only chunked is understood, and only in HTTP/1.1"
        case .expectation: "of expectations only 100-continue is understood"
        case .chunk: "a chunk of the body does not have the size it says, or says none"
        case .trailer: "header lines behind the body are not taken"
        case .slowHead(let seconds): "the head of a request has \(seconds) seconds to arrive"
        case .slowBody: "the body came too slowly"
        case .turnedAway(let turndown): turndown.reason
        }
    }

    var problem: Problem {
        var problem = Problem(self.status, code: self.code, self.description)
        if case .turnedAway(let turndown) = self { problem.retryAfter = turndown.retryAfter }
        return problem
    }

    /// The whole answer, after which the connection ends.
    var response: ByteBuffer { self.problem.lastResponse }
}
