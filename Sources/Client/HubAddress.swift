// SPDX-License-Identifier: Apache-2.0

import JSON
import SafeText

/// Where a hub is: `http://127.0.0.1:8080`, `wss://feed.example.com/ws`, `https://example.com/tape`.
///
/// One address serves both the socket and the HTTP API. A path precedes the hub's own paths; a socket URL may
/// end with `/ws` or not.
public struct HubAddress: Sendable, Hashable {
    /// Why a text is not the address of a hub.
    public struct Invalid: Error, Sendable, Equatable, CustomStringConvertible {
        /// A sentence with the text and what is wrong with it.
        public let description: String
    }

    /// Whether connections are encrypted (`https`, `wss`).
    public let isSecure: Bool
    /// A name or an IP address, without brackets.
    public let host: String
    /// The TCP port; 80 or 443 where the text has none.
    public let port: Int
    /// What precedes the hub's own paths: empty, or a path that begins with a slash and does not end with one.
    public let prefix: String

    /// Reads a URL with the scheme `http`, `https`, `ws` or `wss`.
    public init(_ text: String) throws(Invalid) {
        func invalid(_ reason: String) -> Invalid {
            Invalid(description: "\"\(Redaction.address(text).prefix(200))\" is not the address of a hub: \(reason)")
        }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw invalid("it has blanks or control characters")
        }
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else {
            throw invalid("it has no scheme; write it like http://127.0.0.1:8080")
        }
        switch text[..<colon].lowercased() {
        case "http", "ws": self.isSecure = false
        case "https", "wss": self.isSecure = true
        case let scheme: throw invalid("the scheme is \(scheme); there are http, https, ws and wss")
        }
        let rest = text[colon...].dropFirst(3)
        guard !rest.contains(where: { $0 == "?" || $0 == "#" }) else {
            throw invalid("it has a query or a fragment")
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash]
        guard !authority.contains("@") else {
            throw invalid("it has credentials; give a token instead")
        }
        var path = rest[slash...]
        while path.last == "/" { path.removeLast() }
        if path.hasSuffix("/ws") { path.removeLast(3) }
        while path.last == "/" { path.removeLast() }
        self.prefix = String(path)
        let hostEnd: Substring.Index
        if authority.first == "[" {
            guard let bracket = authority.firstIndex(of: "]") else { throw invalid("a bracket is not closed") }
            self.host = String(authority[..<bracket].dropFirst())
            hostEnd = authority.index(after: bracket)
        } else {
            hostEnd = authority.firstIndex(of: ":") ?? authority.endIndex
            self.host = String(authority[..<hostEnd])
        }
        guard !self.host.isEmpty else { throw invalid("it has no host") }
        let portPart = authority[hostEnd...]
        if portPart.isEmpty {
            self.port = self.isSecure ? 443 : 80
        } else {
            guard portPart.first == ":", let port = Int(decimal: portPart.dropFirst(), in: 1...65_535) else {
                throw invalid("the port is not a number from 1 to 65535")
            }
            self.port = port
        }
    }

    /// The path of the hub's WebSocket.
    var socketPath: String { self.prefix + "/ws" }

    /// Host and, unless it is the default, port, as in `Host` and in URLs.
    var authority: String {
        let name = self.host.contains(":") ? "[\(self.host)]" : self.host
        return self.port == (self.isSecure ? 443 : 80) ? name : "\(name):\(self.port)"
    }

    /// The URL of one of the hub's HTTP resources.
    /// - Parameter path: Begins with a slash; already percent-encoded.
    package func url(_ path: String) -> String {
        "\(self.isSecure ? "https" : "http")://\(self.authority)\(self.prefix)\(path)"
    }
}

extension HubAddress: CustomStringConvertible {
    /// The base URL of the HTTP API.
    public var description: String { self.url("") }
}
