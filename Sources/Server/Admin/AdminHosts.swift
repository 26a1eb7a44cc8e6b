// SPDX-License-Identifier: Apache-2.0

/// The names by which the admin port may be addressed.
///
/// The port knows nobody by a login: who reaches it is an operator. A page of a stranger in an operator's browser must not
/// reach it by having its own name resolve to the port's address (DNS rebinding), so a request has to name an address, a
/// name that no stranger can own, or one that the operator has listed.
package struct AdminHosts: Sendable, Equatable {
    /// Domains that are not of the public DNS (RFC 6761, RFC 6762, RFC 9476 and ICANN's reservation of `internal`), and
    /// Kubernetes' short form of its own.
    private static let privateDomains = ["localhost", "local", "internal", "svc", "home.arpa", "alt"]

    private let names: Set<String>

    /// - Parameter names: Others that are the operator's, without a port.
    package init(_ names: some Sequence<String> = []) {
        self.names = Set(names.map { Self.canonical($0) })
    }

    /// - Parameter authority: A request's `Host`: a name or an address, with or without a port.
    package func allow(_ authority: String) -> Bool {
        guard let host = Self.host(of: authority) else { return false }
        if host.hasPrefix("[") { return true }
        if NetworkAddress(host) != nil { return true }
        let name = Self.canonical(host)
        guard !name.isEmpty else { return false }
        // A name without a dot is the machine's or a private network's.
        return !name.contains(".") || self.names.contains(name)
            || Self.privateDomains.contains { name.hasSuffix("." + $0) }
    }

    /// Without the port; nil unless it is well formed.
    private static func host(of authority: String) -> String? {
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            let rest = authority[authority.index(after: end)...]
            let address = authority[authority.index(after: authority.startIndex)..<end]
            guard NetworkAddress(String(address)) != nil, rest.isEmpty || Self.isPort(rest) else { return nil }
            return String(authority[...end])
        }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard let host = parts.first, parts.count < 3, parts.count == 1 || Self.isPort(":" + parts[1]) else {
            return nil
        }
        return String(host)
    }

    private static func isPort(_ text: some StringProtocol) -> Bool {
        text.hasPrefix(":") && text.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func canonical(_ name: String) -> String {
        let name = name.lowercased()
        return name.hasSuffix(".") ? String(name.dropLast()) : name
    }
}
