// SPDX-License-Identifier: Apache-2.0

@_exported public import WebSocketClient

/// Where a hub is: `http://127.0.0.1:8080`, `wss://feed.example.com/ws`, `https://example.com/tape`.
///
/// One address serves both the socket and the HTTP API. A path precedes the hub's own paths; a socket URL may
/// end with `/ws` or not.
public struct HubAddress: Sendable, Hashable {
    /// Why a text is not the address of a hub.
    public typealias Invalid = WebSocketURL.Invalid

    /// The hub's WebSocket.
    let socket: WebSocketURL
    /// What precedes the hub's own paths: empty, or a path that begins with a slash and does not end with one.
    public let prefix: String

    /// Whether connections are encrypted (`https`, `wss`).
    public var isSecure: Bool { self.socket.isSecure }
    /// A name or an IP address, without brackets.
    public var host: String { self.socket.host }
    /// The TCP port; 80 or 443 where the text has none.
    public var port: Int { self.socket.port }

    /// Reads a URL with the scheme `http`, `https`, `ws` or `wss`.
    public init(_ text: String) throws(Invalid) {
        let expected = "the address of a hub"
        var socket = try WebSocketURL(text, expected: expected)
        guard !socket.target.contains("?") else { throw Invalid(text, expected: expected, "it has a query") }
        var path = Substring(socket.target)
        while path.last == "/" { path.removeLast() }
        if path.hasSuffix("/ws") { path.removeLast(3) }
        while path.last == "/" { path.removeLast() }
        self.prefix = String(path)
        socket.target = "\(path)/ws"
        self.socket = socket
    }

    /// The URL of one of the hub's HTTP resources.
    /// - Parameter path: Begins with a slash; already percent-encoded.
    package func url(_ path: String) -> String {
        "\(self.isSecure ? "https" : "http")://\(self.socket.authority)\(self.prefix)\(path)"
    }
}

extension HubAddress: CustomStringConvertible {
    /// The base URL of the HTTP API.
    public var description: String { self.url("") }
}

extension Connector {
    /// What the hub may be asked for in `Sec-WebSocket-Protocol`.
    package static let subprotocol = "broadtape.v1.json"

    /// Creates a connector to a hub.
    package init(to address: HubAddress, tls: ClientTLS = ClientTLS()) throws(Ending) {
        try self.init(to: address.socket, tls: tls)
        self.subprotocols = [Self.subprotocol]
    }
}
