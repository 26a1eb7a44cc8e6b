// SPDX-License-Identifier: Apache-2.0

import BrowserClient
import Crypto
import HTTPTypes
import Hummingbird
import NIOCore

/// `GET /broadtape.js`, `/broadtape.d.ts`: the client for browsers, for pages of any origin.
extension API {
    /// Adds the scripts to the paths.
    static func addScripts(to router: Router<BasicRequestContext>) {
        for script in [Script.module, .declarations] {
            let served = ServedScript(script)
            router.get(RouterPath(script.path)) { request, _ in served.response(to: request) }
            router.head(RouterPath(script.path)) { request, _ in served.response(to: request) }
        }
    }
}

/// A script with the header fields that go with it, made once.
private struct ServedScript: Sendable {
    private let body: ByteBuffer
    private let tag: String
    private let fields: HTTPFields

    init(_ script: Script) {
        self.body = ByteBuffer(bytes: script.bytes)
        self.tag = "\"\(Hex.encode(SHA256.hash(data: script.bytes).prefix(16)))\""
        self.fields = [
            .contentType: script.contentType,
            .eTag: self.tag,
            // Asked for every time and sent when it is new: pages are never left with the client of another hub.
            .cacheControl: "no-cache",
            .accessControlAllowOrigin: "*",
            .xContentTypeOptions: "nosniff",
        ]
    }

    func response(to request: Request) -> Response {
        let isKnown = request.headers[values: .ifNoneMatch].contains { field in
            field.split(separator: ",").contains { Self.weakly($0) == self.tag || Self.weakly($0) == "*" }
        }
        guard !isKnown else { return Response(status: .notModified, headers: self.fields) }
        return Response(
            status: .ok,
            headers: self.fields,
            body: request.method == .head ? ResponseBody() : ResponseBody(byteBuffer: self.body)
        )
    }

    /// Without the mark of a weak tag: compared weakly (RFC 9110 §13.1.2).
    private static func weakly(_ tag: Substring) -> Substring {
        let trimmed = tag.drop { $0 == " " || $0 == "\t" }
        let bare = trimmed.hasPrefix("W/") ? trimmed.dropFirst(2) : trimmed
        return bare.prefix { $0 != " " && $0 != "\t" }
    }
}
