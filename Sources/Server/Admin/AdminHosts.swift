// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The accepted `Host` values of the admin port.
///
/// The port has no login: anyone who reaches it is an operator. A foreign web page in an operator's browser must not
/// reach it through a name that resolves to the port's address (DNS rebinding). So a request has to name loopback, the
/// address it arrived at, or a name listed by the operator. No name is trusted for its form: anyone in the network can
/// answer for `hub.local`, and `ai.` is a registered domain.
package struct AdminHosts: Sendable, Equatable {
    private static let mostDigits = 5

    private let names: Set<String>
    private let addresses: Set<NetworkAddress>

    /// - Parameter names: The operator's names and addresses, without a port.
    package init(_ names: some Sequence<String> = []) {
        self.names = Set(names.filter { NetworkAddress(Self.unbracketed($0)) == nil }.map(Self.canonical))
        // The unspecified address can be listened on, but is not a destination.
        self.addresses = Set(names.compactMap { NetworkAddress(Self.unbracketed($0)) }.filter { !$0.isUnspecified })
    }

    /// Whether a text is a name or an address, without a port.
    package static func isName(_ text: String) -> Bool {
        if let address = NetworkAddress(Self.unbracketed(text)) { return !address.isUnspecified }
        // No other character is in the name of a host, so a list with commas or a pattern would never match.
        return !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || "-._".utf8.contains(byte)
            }
    }

    /// - Parameters:
    ///   - authority: A request's `Host`: a name or an address, with or without a port.
    ///   - local: The address that the request arrived at.
    package func allow(_ authority: String, at local: SocketAddress?) -> Bool {
        guard let host = Self.host(of: authority) else { return false }
        if let address = NetworkAddress(Self.unbracketed(host)) {
            return address.isLoopback || self.addresses.contains(address)
                || local.flatMap { NetworkAddress($0) } == address
        }
        let name = Self.canonical(host)
        return name == "localhost" || self.names.contains(name)
    }

    /// The host without the port; nil if it is malformed.
    private static func host(of authority: String) -> String? {
        let bytes = authority.utf8
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        let start = authority.hasPrefix("[") ? bytes.firstIndex(of: UInt8(ascii: "]")) : bytes.startIndex
        guard let start else { return nil }
        let end = bytes[start...].firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
        let port = bytes[end...].dropFirst()
        guard port.count <= Self.mostDigits, port.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else {
            return nil
        }
        let host = String(authority[..<end])
        // IPv6 addresses must be in brackets, and nothing else may be.
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        guard isBracketed == host.utf8.contains(UInt8(ascii: ":")), !host.isEmpty else { return nil }
        return isBracketed && NetworkAddress(Self.unbracketed(host)) == nil ? nil : host
    }

    private static func unbracketed(_ host: String) -> String {
        host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    }

    /// In lower case, without the trailing dot. ASCII letters only: lowercasing others could map them to ASCII.
    private static func canonical(_ name: String) -> String {
        let bytes = name.utf8.map { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 ? $0 | 0x20 : $0 }
        return String(decoding: bytes.last == UInt8(ascii: ".") ? bytes.dropLast() : bytes[...], as: UTF8.self)
    }
}
