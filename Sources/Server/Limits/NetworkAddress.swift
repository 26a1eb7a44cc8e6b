// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// An IP address. One of version 4 stands in the part of version 6 that maps it, `::ffff:0:0/96`, so that both ways of
/// writing it are the same address.
package struct NetworkAddress: Hashable, Sendable, Comparable {
    /// In network order.
    let bits: UInt128

    private static let mapped = UInt128(0xFFFF) << 32
    /// Where the address stands in a `sockaddr_in` and in a `sockaddr_in6`, on every system. By place rather than by name:
    /// which module has the names depends on what else is imported.
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

    /// 127.0.0.0/8, written either way, and ::1.
    var isLoopback: Bool {
        self.bits == 1 || self.bits >> 24 == Self.mapped >> 24 | 0x7F
    }

    /// Stands for every address of the machine.
    var isUnspecified: Bool {
        self.bits == 0 || self.bits == Self.mapped
    }

    /// What one subscriber of an access provider has: an address of version 4, the /64 of one of version 6.
    var site: NetworkAddress {
        self.isVersion4 ? self : NetworkAddress(bits: self.bits & ~UInt128(UInt64.max))
    }

    /// Nil for what is not an IP address, a Unix socket.
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

    /// Reads `192.0.2.1` or `2001:db8::1`; neither port nor zone.
    init?(_ text: some StringProtocol) {
        guard let address = try? SocketAddress(ipAddress: String(text), port: 0) else { return nil }
        self.init(address)
    }

    package static func < (left: NetworkAddress, right: NetworkAddress) -> Bool {
        left.bits < right.bits
    }
}
