// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

/// A file that is built into the program. Browsers revalidate it every time, so that nobody keeps the file of another
/// version.
struct ServedFile: Sendable {
    private let body: ByteBuffer
    private let contentType: String
    private let tag: EntityTag
    private let fields: HTTPFields

    /// - Parameter fields: Header fields of all responses, including 304.
    init(_ bytes: [UInt8], contentType: String, fields: HTTPFields = [:]) {
        self.body = ByteBuffer(bytes: bytes)
        self.contentType = contentType
        self.tag = EntityTag(bytes)
        var fields = fields
        fields[.eTag] = self.tag.description
        fields[.cacheControl] = "no-cache"
        fields[.xContentTypeOptions] = "nosniff"
        self.fields = fields
    }

    /// Adds its route.
    /// - Parameter more: Further header fields of responses with the file.
    func add(
        to router: Router<EdgeContext>,
        at path: String,
        more: @escaping @Sendable (Request) -> HTTPFields
    ) {
        router.get(RouterPath(path)) { request, _ in self.response(to: request, more(request)) }
        router.head(RouterPath(path)) { request, _ in self.response(to: request, more(request)) }
    }

    private func response(to request: Request, _ more: HTTPFields) -> Response {
        let isKnown = request.headers[values: .ifNoneMatch].contains { $0 == "*" || self.tag.isNamed(in: $0) }
        guard !isKnown else { return Response(status: .notModified, headers: self.fields) }
        var fields = self.fields
        fields[.contentType] = self.contentType
        for field in more { fields[field.name] = field.value }
        return Response(
            status: .ok,
            headers: fields,
            body: request.method == .head ? ResponseBody() : ResponseBody(byteBuffer: self.body)
        )
    }
}
