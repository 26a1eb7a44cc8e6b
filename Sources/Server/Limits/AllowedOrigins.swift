// SPDX-License-Identifier: Apache-2.0

import JSON

/// The web origins (RFC 6454) whose pages may use the hub.
package enum AllowedOrigins: Sendable, Equatable {
    /// Any origin. A page can do nothing without a token, which browsers do not send automatically.
    case any
    case only([Pattern])

    /// Parses origins; `*.` before a host matches all names below it.
    /// - Returns: Nil if one of them is not an origin that a browser can send.
    package init?(_ origins: [String]) {
        var patterns: [Pattern] = []
        for origin in origins {
            guard let pattern = Pattern(origin) else { return nil }
            patterns.append(pattern)
        }
        self = .only(patterns)
    }

    /// - Parameter origin: As a browser sends it.
    func allow(_ origin: String) -> Bool {
        switch self {
        case .any: true
        case .only(let patterns): patterns.contains { $0.matches(origin) }
        }
    }

    /// An origin, or all origins below a domain.
    package struct Pattern: Sendable, Equatable {
        private static let standardPorts = ["http": 80, "https": 443]

        /// In lower case.
        private let scheme: String
        private let host: String
        /// Nil is the scheme's own.
        private let port: Int?
        private let includesSubdomains: Bool

        init?(_ text: String) {
            guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
            let text = text.lowercased()
            guard let separator = text.firstRange(of: "://") else { return nil }
            let scheme = String(text[..<separator.lowerBound])
            // The schemes of WebSockets are those of requests; the origin of a page has another one.
            guard Self.isScheme(scheme), scheme != "ws", scheme != "wss" else { return nil }
            var rest = text[separator.upperBound...]
            let includesSubdomains = rest.hasPrefix("*.")
            if includesSubdomains { rest = rest.dropFirst(2) }
            let start = rest.hasPrefix("[") ? rest.firstIndex(of: "]") ?? rest.startIndex : rest.startIndex
            let end = rest[start...].firstIndex(of: ":") ?? rest.endIndex
            guard let host = Self.host(rest[..<end]) else { return nil }
            let isAddress = host.hasPrefix("[") || NetworkAddress(host) != nil
            guard !includesSubdomains || !isAddress else { return nil }
            var port: Int?
            if end < rest.endIndex {
                guard let given = Int(decimal: rest[end...].dropFirst(), in: 0...65_535) else { return nil }
                port = Self.standardPorts[scheme] == given ? nil : given
            }
            self.scheme = scheme
            self.host = host
            self.port = port
            self.includesSubdomains = includesSubdomains
        }

        private static func isScheme(_ text: String) -> Bool {
            text.utf8.first.map { (0x61...0x7A).contains($0) } == true
                && text.utf8.allSatisfy { Self.isLetterOrDigit($0) || "+-.".utf8.contains($0) }
        }

        /// A host by one spelling; nil for what browsers would write otherwise.
        private static func host(_ text: Substring) -> String? {
            if text.hasPrefix("[") {
                guard text.hasSuffix("]"), text.utf8.contains(UInt8(ascii: ":")) else { return nil }
                return NetworkAddress(text.dropFirst().dropLast()).map { "[\($0.bits)]" }
            }
            let labels = text.split(separator: ".", omittingEmptySubsequences: false)
            // A last dot is part of the name; a name whose last label is a number is an address.
            guard !labels.dropLast().contains(""), labels != [""],
                text.utf8.allSatisfy({ Self.isLetterOrDigit($0) || "-._".utf8.contains($0) })
            else { return nil }
            let isNumeric = labels.last.map { !$0.isEmpty && $0.allSatisfy(\.isNumber) } ?? false
            return isNumeric && NetworkAddress(text) == nil ? nil : String(text)
        }

        private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
        }

        func matches(_ text: String) -> Bool {
            guard let other = Pattern(text), !other.includesSubdomains, other.scheme == self.scheme,
                other.port == self.port
            else { return false }
            return self.includesSubdomains ? other.host.hasSuffix("." + self.host) : other.host == self.host
        }
    }
}
