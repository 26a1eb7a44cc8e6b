// SPDX-License-Identifier: Apache-2.0

import Crypto
import EventLog
import HTTPTypes
import Hub
import Hummingbird
import JSON
import NIOCore

/// Names one state of what an answer says (RFC 9110 §8.8.3), so that a client that has it is told so in a few bytes.
struct EntityTag: Equatable, CustomStringConvertible {
    /// As it stands in `ETag`.
    let description: String

    /// Changes when this hub writes the same state in another way.
    private static let version = 1
    private static let hashLength = 22

    /// Of what a channel's numbers decide: events never change, and retention moves `first`.
    init(_ extent: Extent) {
        self.description = "\"\(Self.version).\(extent.epoch).\(extent.first).\(extent.head)\""
    }

    /// Of an answer as it is.
    init(_ body: [UInt8]) {
        self.description = "\"\(Self.version).\(Self.hash(body))\""
    }

    /// Of an answer parts of which tell the time, and do not count.
    init(weak parts: [String]) {
        self.description = "W/\"\(Self.version).\(Self.hash(Array(parts.joined(separator: "\n").utf8)))\""
    }

    private static func hash(_ bytes: [UInt8]) -> String {
        String(Base64URL.encode(SHA256.hash(data: bytes)).prefix(Self.hashLength))
    }

    private var opaque: Substring {
        self.description.hasPrefix("W/") ? self.description.dropFirst(2) : self.description[...]
    }

    /// Whether it is among those of an `If-None-Match`, compared weakly (RFC 9110 §13.1.2).
    func isNamed(in field: String) -> Bool {
        field.split(separator: ",").contains { element in
            var tag = element.drop { $0 == " " || $0 == "\t" }
            while let last = tag.last, last == " " || last == "\t" { tag = tag.dropLast() }
            return (tag.hasPrefix("W/") ? tag.dropFirst(2) : tag) == self.opaque
        }
    }
}

/// Who may keep an answer; nobody uses it without asking whether it still stands.
enum Keeping: String {
    /// It is the same for everybody.
    case everybody = "public, no-cache"
    /// It is for who asked.
    case caller = "private, no-cache"

    fileprivate var fields: HTTPFields {
        var fields: HTTPFields = [.cacheControl: self.rawValue]
        if self == .caller { fields[.vary] = "Authorization, X-API-Key" }
        return fields
    }
}

extension API {
    /// Who may keep what is read of a type.
    func keeping(of type: EventType?) -> Keeping {
        type?.readers == .everyone && self.hub.configuration.allowsAnonymousReading ? .everybody : .caller
    }

    /// The answer to a client that has this state already, if it does.
    func unchanged(_ request: Request, _ tag: EntityTag, _ keeping: Keeping) -> Response? {
        guard let field = request.headers[.ifNoneMatch], tag.isNamed(in: field) else { return nil }
        return Self.notModified(tag, keeping)
    }

    private static func notModified(_ tag: EntityTag, _ keeping: Keeping) -> Response {
        var fields = keeping.fields
        fields[.eTag] = tag.description
        var response = Response(status: .notModified, headers: fields)
        // It would be that of the answer which is not sent.
        response.headers[.contentLength] = nil
        return response
    }

    /// A JSON answer with its tag, or 304 to a client that has it.
    /// - Parameter tag: Nil makes one of the answer itself.
    func answer(
        _ json: JSON.Writer,
        to request: Request,
        tag given: EntityTag? = nil,
        _ keeping: Keeping
    ) -> Response {
        let tag = given ?? EntityTag(json.bytes)
        if let field = request.headers[.ifNoneMatch], field == "*" || tag.isNamed(in: field) {
            return Self.notModified(tag, keeping)
        }
        var fields = keeping.fields
        fields[.contentType] = "application/json"
        fields[.eTag] = tag.description
        return Response(
            status: .ok,
            headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: json.bytes + [0x0A]))
        )
    }
}
