// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

/// A file that is built into the program, as it is served: asked for every time and sent when it is new, so that nobody
/// is left with the file of another hub.
struct ServedFile: Sendable {
    private let body: ByteBuffer
    private let contentType: String
    private let tag: EntityTag
    private let fields: HTTPFields

    /// - Parameter fields: What goes with it whoever asks, also where it is not sent again.
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

    /// Adds it to a router.
    /// - Parameter more: What else goes with it where it is sent.
    func add(
        to router: Router<BasicRequestContext>,
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
