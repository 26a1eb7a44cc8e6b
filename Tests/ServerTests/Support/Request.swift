// SPDX-License-Identifier: Apache-2.0

/// An HTTP request as bytes.
struct Request: Sendable {
    var method: String
    var target: String
    var fields: [(name: String, value: String)]
    var body: String?

    init(
        _ method: String,
        _ target: String,
        token: String? = nil,
        fields: [(name: String, value: String)] = [],
        body: String? = nil
    ) {
        self.method = method
        self.target = target
        self.fields = fields
        self.body = body
        if let token { self.fields.append(("Authorization", "Bearer \(token)")) }
    }

    static func get(_ target: String, token: String? = nil) -> Request {
        Request("GET", target, token: token)
    }

    /// A request to publish.
    static func post(
        _ body: String,
        token: String?,
        as contentType: String? = "application/json",
        fields: [(name: String, value: String)] = []
    ) -> Request {
        let type = contentType.map { [(name: "Content-Type", value: $0)] } ?? []
        return Request("POST", "/events", token: token, fields: type + fields, body: body)
    }

    /// A request to become a WebSocket.
    static func upgrade(
        _ target: String = "/ws",
        version: String = "13",
        fields: [(name: String, value: String)] = []
    ) -> Request {
        Request(
            "GET",
            target,
            fields: [
                ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
                ("Sec-WebSocket-Version", version),
            ] + fields
        )
    }

    var text: String {
        var head = "\(self.method) \(self.target) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        for (name, value) in self.fields { head += "\(name): \(value)\r\n" }
        if let body { head += "Content-Length: \(body.utf8.count)\r\n" }
        return head + "\r\n" + (self.body ?? "")
    }
}
