// SPDX-License-Identifier: Apache-2.0

import Crypto
import EventLog
import HTTPTypes
import Hub
import Hummingbird
import JSON
import NIOCore

/// The entity tag of a response (RFC 9110 §8.8.3), which allows 304 for a client with the current state.
struct EntityTag: Equatable, CustomStringConvertible {
    /// The value of `ETag`.
    let description: String

    /// Version of the representation; changes when the hub encodes the same state differently.
    private static let version = 1
    private static let hashLength = 22

    /// For content determined by a channel's numbers: events never change, and retention moves `first`.
    init(_ extent: Extent) {
        self.description = "\"\(Self.version).\(extent.epoch).\(extent.first).\(extent.head)\""
    }

    /// For a response body.
    init(_ body: [UInt8]) {
        self.description = "\"\(Self.version).\(Self.hash(body))\""
    }

    /// For a response with parts that depend on time and are excluded.
    init(weak parts: [String]) {
        self.description = "W/\"\(Self.version).\(Self.hash(Array(parts.joined(separator: "\n").utf8)))\""
    }

    private static func hash(_ bytes: [UInt8]) -> String {
        String(Base64URL.encode(SHA256.hash(data: bytes)).prefix(Self.hashLength))
    }

    private var opaque: Substring {
        self.description.hasPrefix("W/") ? self.description.dropFirst(2) : self.description[...]
    }

    /// Whether an `If-None-Match` contains it, by weak comparison (RFC 9110 §13.1.2).
    func isNamed(in field: String) -> Bool {
        field.split(separator: ",").contains { element in
            var tag = element.drop { $0 == " " || $0 == "\t" }
            while let last = tag.last, last == " " || last == "\t" { tag = tag.dropLast() }
            return (tag.hasPrefix("W/") ? tag.dropFirst(2) : tag) == self.opaque
        }
    }
}

/// Who may cache a response. Caches must revalidate it before use.
enum Keeping: String {
    /// The same for everybody.
    case everybody = "public, no-cache"
    /// For the caller only.
    case caller = "private, no-cache"

    fileprivate var fields: HTTPFields {
        var fields: HTTPFields = [.cacheControl: self.rawValue]
        if self == .caller { fields[.vary] = "Authorization, X-API-Key" }
        return fields
    }
}

extension API {
    /// Who may cache responses of a type.
    func keeping(of type: EventType?) -> Keeping {
        type?.readers == .everyone && self.hub.configuration.allowsAnonymousReading ? .everybody : .caller
    }

    /// 304 if the client already has this state.
    func unchanged(_ request: Request, _ tag: EntityTag, _ keeping: Keeping) -> Response? {
        guard let field = request.headers[.ifNoneMatch], tag.isNamed(in: field) else { return nil }
        return Self.notModified(tag, keeping)
    }

    private static func notModified(_ tag: EntityTag, _ keeping: Keeping) -> Response {
        var fields = keeping.fields
        fields[.eTag] = tag.description
        var response = Response(status: .notModified, headers: fields)
        // It would be the length of the body that is not sent.
        response.headers[.contentLength] = nil
        return response
    }

    /// A JSON response with its tag, or 304 for a client that has it.
    /// - Parameter tag: Nil computes the tag from the body.
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
