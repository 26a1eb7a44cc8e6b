// SPDX-License-Identifier: Apache-2.0

import JSON
import SafeText

/// The URL of a WebSocket: `wss://stream.example.com/ws?streams=trades`.
public struct WebSocketURL: Sendable, Hashable {
    /// Why a text is not such a URL.
    public struct Invalid: Error, Sendable, Equatable, CustomStringConvertible {
        /// A sentence with the text and what is wrong with it.
        public let description: String

        package init(_ text: String, expected: String, _ reason: String) {
            self.description = "\"\(Redaction.address(text).prefix(200))\" is not \(expected): \(reason)"
        }
    }

    /// Whether connections are encrypted (`https`, `wss`).
    public let isSecure: Bool
    /// A name or an IP address, without brackets.
    public let host: String
    /// The TCP port; 80 or 443 where the text has none.
    public let port: Int
    /// Path and query, as in the first line of a request.
    public package(set) var target: String

    /// Reads a URL with the scheme `ws`, `wss`, `http` or `https`.
    public init(_ text: String) throws(Invalid) {
        try self.init(text, expected: "the URL of a WebSocket")
    }

    /// - Parameter expected: What the text is meant to be, for the error.
    package init(_ text: String, expected: String) throws(Invalid) {
        func invalid(_ reason: String) -> Invalid { Invalid(text, expected: expected, reason) }
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
        guard !rest.contains("#") else { throw invalid("it has a fragment") }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else {
            throw invalid("it has credentials; give a token instead")
        }
        let target = rest[authority.endIndex...]
        self.target = target.first == "/" ? String(target) : "/\(target)"
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

    /// Host and, unless it is the default, port, as in `Host` and in URLs.
    package var authority: String {
        let name = self.host.contains(":") ? "[\(self.host)]" : self.host
        return self.port == (self.isSecure ? 443 : 80) ? name : "\(name):\(self.port)"
    }
}

extension WebSocketURL: CustomStringConvertible {
    /// The URL with the scheme `ws` or `wss`.
    public var description: String { "\(self.isSecure ? "wss" : "ws")://\(self.authority)\(self.target)" }
}
