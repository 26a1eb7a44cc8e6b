// SPDX-License-Identifier: Apache-2.0

package import NIOCore

extension Refusal {
    /// The whole HTTP response, after which the connection is closed.
    package var response: ByteBuffer {
        response(fields: [])
    }

    /// Returns the whole HTTP response with further header fields.
    package func response(fields more: [(name: String, value: String)]) -> ByteBuffer {
        let body = description + "\n"
        // RFC 9110 §7.8: a sender of Upgrade names it in Connection, here in addition to "close".
        var all = fields.filter { $0.name != "Connection" }
        all.append(("Connection", all.contains { $0.name == "Upgrade" } ? "Upgrade, close" : "close"))
        all.append(("Content-Type", "text/plain; charset=utf-8"))
        all.append(("Content-Length", String(body.utf8.count)))
        var buffer = ByteBuffer(startLine: "HTTP/1.1 \(status) \(phrase)", fields: all + more)
        buffer.writeString(body)
        return buffer
    }

    private var phrase: String {
        switch status {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 426: "Upgrade Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        // RFC 9112 §4: the phrase may be empty, the blank before it may not.
        default: ""
        }
    }
}
