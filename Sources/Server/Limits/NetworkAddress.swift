// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// An IP address. IPv4 addresses are stored as IPv4-mapped IPv6 addresses, `::ffff:0:0/96`, so that both notations are
/// equal.
package struct NetworkAddress: Hashable, Sendable, Comparable {
    /// In network byte order.
    let bits: UInt128

    private static let mapped = UInt128(0xFFFF) << 32
    /// Offset of the address in a `sockaddr_in` and a `sockaddr_in6`, the same on every system. Field names are not
    /// used, because the module that declares them depends on other imports.
    private static let (place4, place6) = (4, 8)

    init(bits: UInt128) {
        self.bits = bits
    }

    init(version4 bits: UInt32) {
        self.bits = Self.mapped | UInt128(clamping: bits)
    }

    var isVersion4: Bool {
        self.bits >> 32 == Self.mapped >> 32
    }

    /// 127.0.0.0/8, in either notation, and ::1.
    var isLoopback: Bool {
        self.bits == 1 || self.bits >> 24 == Self.mapped >> 24 | 0x7F
    }

    /// The unspecified address: all addresses of the machine.
    var isUnspecified: Bool {
        self.bits == 0 || self.bits == Self.mapped
    }

    /// The unit assigned to one subscriber: an IPv4 address, or the /64 of an IPv6 address.
    var site: NetworkAddress {
        self.isVersion4 ? self : NetworkAddress(bits: self.bits & ~UInt128(UInt64.max))
    }

    /// Nil if it is not an IP address, such as a Unix socket.
    init?(_ address: SocketAddress) {
        switch address {
        case .v4(let address):
            let part = unsafe withUnsafeBytes(of: address.address) { bytes in
                unsafe bytes.loadUnaligned(fromByteOffset: Self.place4, as: UInt32.self)
            }
            self.init(version4: UInt32(bigEndian: part))
        case .v6(let address):
            let part = unsafe withUnsafeBytes(of: address.address) { bytes in
                unsafe bytes.loadUnaligned(fromByteOffset: Self.place6, as: UInt128.self)
            }
            self.init(bits: UInt128(bigEndian: part))
        case .unixDomainSocket:
            return nil
        }
    }

    /// Parses `192.0.2.1` or `2001:db8::1`, without port or zone.
    init?(_ text: some StringProtocol) {
        guard let address = try? SocketAddress(ipAddress: String(text), port: 0) else { return nil }
        self.init(address)
    }

    package static func < (left: NetworkAddress, right: NetworkAddress) -> Bool {
        left.bits < right.bits
    }
}
