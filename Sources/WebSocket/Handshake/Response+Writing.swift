// SPDX-License-Identifier: Apache-2.0

package import NIOCore

extension Request {
    /// Returns the response that accepts the request, `101 Switching Protocols` (RFC 6455 §4.2.2).
    ///
    /// - Parameters:
    ///   - subprotocol: Ignored unless the client offered it, as the client would have to fail the connection.
    ///   - extensions: The value of `Sec-WebSocket-Extensions`.
    ///   - fields: Further header fields.
    package func accept(
        subprotocol: String? = nil,
        extensions: String? = nil,
        fields: [(name: String, value: String)] = []
    ) -> ByteBuffer {
        var all: [(name: String, value: String)] = [
            ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", acceptKey),
        ]
        if let subprotocol, subprotocols.contains(subprotocol) {
            all.append(("Sec-WebSocket-Protocol", subprotocol))
        }
        if let extensions {
            all.append(("Sec-WebSocket-Extensions", extensions))
        }
        return ByteBuffer(startLine: "HTTP/1.1 101 Switching Protocols", fields: all + fields)
    }
}

extension Refusal {
    /// The whole HTTP response, after which the connection is closed.
    package var response: ByteBuffer {
        response(fields: [])
    }

    /// Returns the whole HTTP response with further header fields.
    package func response(fields more: [(name: String, value: String)]) -> ByteBuffer {
        let body = description + "\n"
        // RFC 9110 §7.8: a sender of Upgrade names it in Connection, here beside "close".
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

extension ByteBuffer {
    /// Creates the head of an HTTP message.
    init(startLine: String, fields: [(name: String, value: String)]) {
        self.init()
        writeString("\(startLine)\r\n")
        for (name, value) in fields {
            writeSafe(name)
            writeString(": ")
            writeSafe(value)
            writeString("\r\n")
        }
        writeString("\r\n")
    }

    /// Writes a text without what could end the line, so that no value can add fields of its own.
    private mutating func writeSafe(_ text: String) {
        writeBytes(text.utf8.lazy.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: " ") : $0 })
    }
}
